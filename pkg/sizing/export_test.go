package sizing

// Growth gives the tests what comes outside PyTorch, in GiB.
func Growth(hopper, parallel bool) float64 {
	value, _, _, _ := growth(hopper, parallel)
	return value
}

// UnknownFlags gives the tests the names of the flags that the estimate does not know.
func UnknownFlags() []string {
	var names []string
	for _, flag := range unknownFlags() {
		names = append(names, flag.names...)
	}
	return names
}
