package txn

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
)

// WorkDir is the directory below the root that exists while a transaction runs, or after one was killed.
// Whoever walks the tree skips it.
const WorkDir = ".kservegen-txn"

var (
	// ErrRefused marks errors about the changes or about what stands in their way: nothing was written, and trying again
	// does not help.
	ErrRefused = errors.New("refused")
	// ErrLocked marks the error of the second of two writers.
	ErrLocked = errors.New("another kservegen is writing here")
)

// Change is one file to write or to remove.
type Change struct {
	// Path is relative to the root, with slashes.
	Path string
	// Data is the whole content; nil with Remove.
	Data []byte
	// Remove removes the file. One that does not exist counts as unchanged.
	Remove bool
}

// Options are the optional parts of a [Commit].
type Options struct {
	// Last picks the paths that are put in place after all others, in the order given (lock files); nil picks none.
	Last func(path string) bool
	// FS is the file system to work on; nil is the machine's.
	FS FS
	// Progress is called after each file that was staged; total counts the files to write. Putting them in place then is a
	// rename each, and not counted.
	Progress func(done, total int)
}

// Result counts what a [Commit] did.
type Result struct {
	// Written, Removed and Unchanged count the changes; their sum is the number of changes.
	Written, Removed, Unchanged int
	// Recovered says what was done first about an interrupted run; empty when there was none. It is set even when Commit
	// fails later.
	Recovered string
}

// Commit applies all changes below root, or none. The root and its parents are made where they are missing.
//
// Files whose data already stands on disk are not touched. A replaced file keeps its mode; a new one gets 0644, a new
// directory 0755, less the umask. Directories that become empty through removals are removed.
//
// The context can cancel until the changes are decided (see the package's documentation); the error is then ctx's.
func Commit(ctx context.Context, root string, changes []Change, opts Options) (Result, error) {
	if root == "" {
		return Result{}, refuse("no output directory given; use . for the current one")
	}
	if err := checkChanges(changes); err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if opts.FS == nil {
		opts.FS = OS()
	}
	made, err := makeRoot(opts.FS, root)
	var res Result
	if err == nil {
		res, err = commitIn(ctx, root, changes, opts)
	}
	if res.Written == 0 { // as after an error
		removeMade(opts.FS, made)
	}
	return res, err
}

// commitIn runs the transaction in a root that exists.
func commitIn(ctx context.Context, root string, changes []Change, opts Options) (Result, error) {
	w, err := lock(opts.FS, root, true)
	if err != nil {
		return Result{}, err
	}
	defer w.close()
	var res Result
	if res.Recovered, err = w.recover(); err != nil {
		return Result{}, err
	}
	failed := Result{Recovered: res.Recovered}
	p, err := w.check(ctx, changes, opts.Last)
	if err != nil {
		return failed, err
	}
	res.Written, res.Removed, res.Unchanged = p.writes, len(p.entries)-p.writes, len(changes)-len(p.entries)
	if len(p.entries) == 0 {
		return res, nil
	}
	j, err := w.stage(ctx, p, opts.Progress)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return failed, err
	}
	if err := w.apply(j); err != nil {
		return failed, err
	}
	return res, nil
}

// apply decides the transaction and carries it out, or puts everything back.
func (w *work) apply(j *journal) error {
	w.undecided = true
	err := w.writeJournal(j)
	if err == nil {
		err = w.forward(j, false)
	}
	if err == nil {
		err = w.dropJournal()
	}
	if err == nil {
		return nil
	}
	if undo := w.putAllBack(j); undo != nil {
		return fmt.Errorf("writing %s: %w; putting the old files back: %w; the next run finishes the write or puts them back",
			w.root, err, undo)
	}
	return fmt.Errorf("writing %s: %w; the old files were put back", w.root, err)
}

// makeRoot makes root and its missing parents, and returns what it made, parents first.
func makeRoot(fsys FS, root string) ([]string, error) {
	var missing []string
	for dir := filepath.Clean(root); ; dir = filepath.Dir(dir) {
		fi, err := fsys.Stat(dir)
		if err == nil && !fi.IsDir() {
			return nil, refuseFile(dir)
		}
		if err == nil {
			break
		}
		if !isNotExist(err) && !errors.Is(err, syscall.ENOTDIR) || filepath.Dir(dir) == dir {
			return nil, fmt.Errorf("looking for the output directory: %w", err)
		}
		missing = append(missing, dir)
	}
	var made []string
	for i := len(missing) - 1; i >= 0; i-- {
		err := fsys.Mkdir(missing[i], dirMode)
		if err != nil && !isExist(err) {
			removeMade(fsys, made)
			return nil, fmt.Errorf("making the output directory: %w", err)
		}
		if err == nil {
			made = append(made, missing[i])
		}
	}
	return made, nil
}

// notADirectory says of an error whether the root, or what should lead to it, is a file.
func notADirectory(fsys FS, root string, err error) error {
	for dir := filepath.Clean(root); filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if fi, statErr := fsys.Stat(dir); statErr == nil && !fi.IsDir() {
			return refuseFile(dir)
		}
	}
	return fmt.Errorf("opening the output directory: %w", err)
}

func refuseFile(dir string) error {
	return refuse("%s: is a file, not a directory; move it away or choose another output directory", dir)
}

// removeMade removes the directories that makeRoot made. One that is in use by now stays; an error has nobody to tell.
func removeMade(fsys FS, made []string) {
	for i := len(made) - 1; i >= 0; i-- {
		if fsys.Remove(made[i]) != nil {
			return
		}
	}
}
