package txn

import "fmt"

// Recover finishes or undoes what an interrupted [Commit] left below root, and says what it did; the empty string means
// that there was nothing to do. A nil fsys is the machine's. [Commit] does this first; call it before reading a tree.
func Recover(root string, fsys FS) (string, error) {
	if fsys == nil {
		fsys = OS()
	}
	if _, err := fsys.Stat(root); isNotExist(err) {
		return "", nil
	}
	w, err := lock(fsys, root, false)
	if err != nil || w == nil {
		return "", err
	}
	defer w.close()
	return w.recover()
}

// recover leaves a work directory with nothing but the lock in it.
func (w *work) recover() (string, error) {
	j, err := w.readJournal()
	if err != nil {
		return "", err
	}
	report := ""
	if j == nil {
		w.undecided = false
		report, err = w.leftover()
	} else {
		report, err = w.finish(j)
	}
	if err != nil {
		return "", err
	}
	if err := w.discard(); err != nil {
		return "", fmt.Errorf("cleaning up after an interrupted run: %w; delete %s", err, w.at(WorkDir))
	}
	return report, nil
}

// leftover says what a work directory without a journal holds: the files of a run that never decided, or the remains of one that was through.
func (w *work) leftover() (string, error) {
	n := 0
	for _, dir := range []string{stagedDir, oldDir} {
		names, err := w.d.ReadDir(dir)
		if err != nil && !isNotExist(err) {
			return "", err
		}
		n += len(names)
	}
	temp, err := w.has(journalTemp)
	if err != nil || n == 0 && !temp {
		return "", err
	}
	return fmt.Sprintf("%s: removed what an interrupted run had left behind; the tree is whole and was not touched", w.root), nil
}

// finish carries a decided transaction out; if that fails it puts the old tree back.
func (w *work) finish(j *journal) (string, error) {
	n := len(j.Entries)
	forward := w.forward(j, true)
	if forward == nil {
		if err := w.dropJournal(); err != nil {
			return "", fmt.Errorf("finishing an interrupted run in %s: %w", w.root, err)
		}
		return fmt.Sprintf("%s: finished an interrupted run of %d changes; the tree is the new one", w.root, n), nil
	}
	if err := w.putAllBack(j); err != nil {
		return "", fmt.Errorf("finishing an interrupted run in %s: %w; putting the old files back: %w; "+
			"make room or repair the disk and run this again (the files are in %s)", w.root, forward, err, w.at(WorkDir))
	}
	return fmt.Sprintf("%s: undid an interrupted run of %d changes, because finishing it met an error (%v); the tree is the old one",
		w.root, n, forward), nil
}
