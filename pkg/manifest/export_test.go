package manifest

// CompareKeys lets the tests recognise key sets that the library orders at random.
func CompareKeys(a, b string) int { return compareKeys(a, b) }
