package txn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
)

const (
	lockName    = WorkDir + "/lock"
	stagedDir   = WorkDir + "/staged"
	oldDir      = WorkDir + "/old"
	journalName = WorkDir + "/journal"
	journalTemp = WorkDir + "/journal.tmp"
)

func stagedName(i int) string { return stagedDir + "/" + strconv.Itoa(i) }
func oldName(i int) string    { return oldDir + "/" + strconv.Itoa(i) }

// work is the work directory of a root, locked.
type work struct {
	root string // as the user named it, for messages
	d    Dir
	held io.Closer
	// undecided is true as long as a journal stands or may stand: what staged and old hold must not be lost then.
	undecided bool
}

// lock opens root and locks its work directory. Without create it returns nil where there is none.
func lock(fsys FS, root string, create bool) (*work, error) {
	d, err := fsys.Open(root)
	if err != nil {
		return nil, notADirectory(fsys, root, err)
	}
	w := &work{root: root, d: d, undecided: true}
	const tries = 100 // a writer that ends may remove the directory between any two steps of ours
	for range tries {
		var found bool
		if found, err = w.enter(create); err == nil && found {
			w.held, err = d.Lock(lockName)
		}
		if err == nil && found {
			return w, nil
		}
		if err != nil && !isNotExist(err) || err == nil && !create {
			break
		}
	}
	_ = d.Close()
	if err == nil && create || isNotExist(err) {
		err = ErrLocked // others come and go all the time
	}
	if errors.Is(err, ErrLocked) {
		return nil, fmt.Errorf("locking %s: %w; wait until it ends, then run this again", w.at(lockName), err)
	}
	if err != nil && !errors.Is(err, ErrRefused) {
		return nil, fmt.Errorf("locking %s: %w", root, err)
	}
	return nil, err
}

// enter makes sure that the work directory is there and a directory.
func (w *work) enter(create bool) (found bool, err error) {
	if create {
		fi, err := w.d.Lstat(".")
		if err != nil {
			return false, err
		}
		if fi.Mode().Perm()&0o222 == 0 {
			return false, readOnly(w.root)
		}
		if err := w.d.Mkdir(WorkDir, dirMode); err != nil && !isExist(err) {
			return false, err
		}
	}
	for _, name := range []string{WorkDir, stagedDir, oldDir} {
		fi, err := w.d.Lstat(name)
		switch {
		case isNotExist(err):
			return name != WorkDir, nil
		case err != nil:
			return false, err
		case !fi.IsDir(): // a symbolic link here would make cleaning up remove files of the tree
			return false, refuse("%s: is not a directory; kservegen keeps its unfinished writes there: delete it", w.at(name))
		}
	}
	return true, nil
}

// close leaves nothing behind, unless a journal stands. Errors are dropped: what is left counts for nothing, and the next run removes it.
func (w *work) close() {
	if !w.undecided {
		_ = w.discard()
	}
	_ = w.held.Close()
	_ = w.d.Remove(WorkDir) // fails as it should when something is left in it, or another writer has come
	_ = w.d.Close()
}

// discard removes everything but the lock. There must be no journal.
func (w *work) discard() error {
	for _, dir := range []string{stagedDir, oldDir} {
		names, err := w.d.ReadDir(dir)
		if isNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := w.d.Remove(path.Join(dir, name)); err != nil {
				return err
			}
		}
		if err := w.d.Remove(dir); err != nil {
			return err
		}
	}
	if err := w.d.Remove(journalTemp); err != nil && !isNotExist(err) {
		return err
	}
	return nil
}

// at is the path of a file below the root as a user can type it.
func (w *work) at(name string) string { return filepath.Join(w.root, filepath.FromSlash(name)) }

// has says whether a file exists.
func (w *work) has(name string) (bool, error) {
	_, err := w.d.Lstat(name)
	if isNotExist(err) {
		return false, nil
	}
	return err == nil, err
}

func readOnly(dir string) error {
	return refuse("%s: is a read-only directory; make it writable (chmod u+w) or choose another output directory", dir)
}

// permission is the part of a file's mode that a replacement keeps.
func permission(fi fs.FileInfo) fs.FileMode { return fi.Mode().Perm() }
