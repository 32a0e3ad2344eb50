package sizing

// Growth gives the tests what comes outside PyTorch, in GiB.
func Growth(hopper, parallel bool) float64 {
	value, _, _, _ := growth(hopper, parallel)
	return value
}
