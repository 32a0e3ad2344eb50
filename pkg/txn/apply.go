package txn

import (
	"errors"
	"fmt"
	"io/fs"
)

// forward carries a journal out. With again, any part of it may have been carried out already.
//
// Where a change stands can be seen from its two files (S = staged/N, O = old/N):
//
//	write, nothing done   S        the old file, if any, at its path
//	write, old file kept  S O      the old file at its path too (hard link), or nothing (renamed)
//	write, done             [O]    the new file at its path
//	removal, nothing done          the old file at its path
//	removal, done           O      nothing at its path
func (w *work) forward(j *journal, again bool) error {
	for _, dir := range j.Mkdirs {
		if err := w.d.Mkdir(dir, dirMode); err != nil && !isExist(err) {
			return err
		}
	}
	for i, e := range j.Entries {
		var err error
		switch {
		case e.Remove:
			err = w.takeAway(i, e, again)
		default:
			err = w.putInPlace(i, e, again)
		}
		if err != nil {
			return err
		}
	}
	for _, dir := range j.Rmdirs {
		// Not empty: it holds files that are not ours. Not permitted: an empty directory is not worth failing for.
		if err := w.d.Remove(dir.Path); err != nil && !isExist(err) && !isNotExist(err) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

func (w *work) putInPlace(i int, e entry, again bool) error {
	keep := e.Replaces
	if again {
		staged, err := w.has(stagedName(i))
		if err != nil || !staged {
			return err // without S it is done
		}
		if err := w.verify(i, e); err != nil {
			return err
		}
		if kept, err := w.has(oldName(i)); err != nil {
			return err
		} else if kept {
			keep = false
		}
	}
	if keep {
		if err := w.keep(e.Path, oldName(i)); err != nil && !(again && isNotExist(err)) {
			return err
		}
	}
	return w.d.Rename(stagedName(i), e.Path)
}

// keep saves the old file under a second name, so that readers find the old or the new file at every moment.
func (w *work) keep(name, old string) error {
	err := w.d.Link(name, old)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		return w.d.Rename(name, old) // no hard links here
	}
	return err
}

func (w *work) takeAway(i int, e entry, again bool) error {
	if again {
		if kept, err := w.has(oldName(i)); err != nil || kept {
			return err
		}
	}
	if err := w.d.Rename(e.Path, oldName(i)); err != nil && !(again && isNotExist(err)) {
		return err
	}
	return nil
}

// verify refuses a staged file that a power failure left short: the old tree is better than that.
func (w *work) verify(i int, e entry) error {
	data, err := w.d.ReadFile(stagedName(i))
	if err != nil {
		return err
	}
	if int64(len(data)) != e.Size || checksum(data) != e.Sum {
		return fmt.Errorf("%s for %s: is damaged", w.at(stagedName(i)), w.at(e.Path))
	}
	return nil
}

// putAllBack undoes a transaction and ends it. The journal stays where undoing met an error: it is what the next run goes by.
func (w *work) putAllBack(j *journal) error {
	if err := w.undo(j); err != nil {
		return err
	}
	return w.dropJournal()
}

// undo is forward's inverse, from wherever forward or an earlier undo stopped. It goes on after an error, to save what it can.
func (w *work) undo(j *journal) error {
	var errs []error
	for i := len(j.Rmdirs) - 1; i >= 0; i-- {
		errs = append(errs, w.makeAnew(j.Rmdirs[i]))
	}
	for i := len(j.Entries) - 1; i >= 0; i-- {
		if e := j.Entries[i]; e.Remove {
			errs = append(errs, w.putBack(i, e))
		} else {
			errs = append(errs, w.takeBack(i, e))
		}
	}
	for i := len(j.Mkdirs) - 1; i >= 0; i-- {
		if err := w.d.Remove(j.Mkdirs[i]); err != nil && !isNotExist(err) && !isExist(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (w *work) makeAnew(dir emptied) error {
	err := w.d.Mkdir(dir.Path, dirMode)
	if isExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.d.Chmod(dir.Path, dir.Mode)
}

// takeBack moves a new file back to where it was staged: a later forward finds it there.
func (w *work) takeBack(i int, e entry) error {
	staged, err := w.has(stagedName(i))
	if err != nil {
		return err
	}
	if !staged {
		if err := w.d.Rename(e.Path, stagedName(i)); err != nil && !isNotExist(err) {
			return err
		}
	}
	if !e.Replaces {
		return nil
	}
	return w.putBack(i, e)
}

// putBack returns a kept file to its path. Where both are names of one file, renaming does nothing, as POSIX has it, and that is right too.
func (w *work) putBack(i int, e entry) error {
	err := w.d.Rename(oldName(i), e.Path)
	if !isNotExist(err) {
		return err
	}
	kept, herr := w.has(oldName(i))
	if kept { // it is the file's directory that is missing
		return err
	}
	return herr
}
