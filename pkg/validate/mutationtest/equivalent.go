package mutationtest

// equivalent says why a change is no mistake, in the words of the list; empty where it is one.
func equivalent(m mutant, original map[string]any) string {
	return ""
}
