package importer

// ImportUncut is Import without leaving out what goes without saying.
func ImportUncut(in Input) (*Proposal, error) {
	i, err := newImporting(in, Options{})
	if err != nil {
		return nil, err
	}
	best, err := i.best()
	if err != nil {
		return nil, err
	}
	return best.propose(i.scenes)
}
