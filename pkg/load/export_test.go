package load

// Direct says whether an overlay is built without Kustomize.
func Direct(dir string) bool {
	_, ok := newLoader(Options{Limits: Limits{}.withDefaults()}).own(dir, dir)
	return ok
}
