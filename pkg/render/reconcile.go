package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/txn"
)

// Update is what rendering trees into a directory would change.
type Update struct {
	// Changes to commit, in the order of the trees; the locks come last in each.
	Changes []txn.Change
	// Conflicts are files that a person edited; nothing may be written while there are any.
	Conflicts []Conflict
	// Kept are custom folders of environments that are gone; they hold a user's work.
	Kept []string
	// Reasons of the Changes, by their paths.
	Reasons map[string]Reason
}

// Conflict is a file on disk that is not what kservegen wrote.
type Conflict struct {
	// Path relative to the output directory.
	Path string
	// Why it is one, for people.
	Why string
	// Weights are set where only numbers of a traffic file were edited; `--adopt` can take them over.
	Weights []WeightEdit
	// Tree and Environment of a traffic file.
	Tree, Environment string
}

// Options of Reconcile.
type Options struct {
	// Force replaces what a person edited.
	Force bool
	// Changes of kservegen that may be a reason.
	Changes []Change
}

// Reconcile compares trees with the directory they go to. It only reads.
func Reconcile(dir fs.FS, trees []*Tree, opts Options) (Update, error) {
	update := Update{Reasons: map[string]Reason{}}
	for _, tree := range trees {
		r := &reconciler{dir: dir, tree: tree, opts: opts, update: &update}
		if err := r.reconcile(); err != nil {
			return Update{}, err
		}
	}
	return update, nil
}

type reconciler struct {
	dir    fs.FS
	tree   *Tree
	opts   Options
	update *Update
	old    Lock
}

func (r *reconciler) reconcile() error {
	if _, err := fs.Stat(r.dir, r.tree.Name); errors.Is(err, fs.ErrNotExist) {
		// A new tree: there is nothing to compare each file with.
		r.dir = empty{}
	}
	if err := r.readLock(); err != nil {
		return err
	}
	current := map[string]bool{}
	for _, file := range r.tree.Files {
		current[file.Path] = true
		if err := r.file(file); err != nil {
			return err
		}
	}
	for _, gone := range slices.Sorted(maps.Keys(r.old.Files)) {
		if current[gone] {
			continue
		}
		if err := r.remove(gone); err != nil {
			return err
		}
	}
	if err := r.orphans(current); err != nil {
		return err
	}
	lock, err := r.tree.Lock.Bytes()
	if err != nil {
		return err
	}
	return r.put(LockFile, lock)
}

func (r *reconciler) readLock() error {
	name := path.Join(r.tree.Name, LockFile)
	data, err := r.read(LockFile)
	if err != nil {
		return err
	}
	if data == nil {
		return nil
	}
	r.old, err = parseLock(name, data)
	if err != nil && r.opts.Force {
		return nil
	}
	return err
}

// empty is a directory without files.
type empty struct{}

func (empty) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Empty is a directory without files, for trees that go where nothing is yet.
func Empty() fs.FS { return empty{} }

// read returns a file of the tree on disk, nil where there is none.
func (r *reconciler) read(file string) ([]byte, error) {
	data, err := fs.ReadFile(r.dir, path.Join(r.tree.Name, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}

// put records a change unless the file has that content already.
func (r *reconciler) put(file string, data []byte) error {
	disk, err := r.read(file)
	if err != nil {
		return err
	}
	if disk == nil || !bytes.Equal(disk, data) {
		r.because(file, Generated, disk)
		r.update.Changes = append(r.update.Changes, txn.Change{Path: path.Join(r.tree.Name, file), Data: data})
	}
	return nil
}

func (r *reconciler) file(file File) error {
	disk, err := r.read(file.Path)
	if err != nil {
		return err
	}
	if disk != nil && file.Kind == Custom {
		return nil
	}
	if disk != nil && !bytes.Equal(disk, file.Data) && !r.opts.Force {
		r.check(file, disk)
	}
	if disk == nil || !bytes.Equal(disk, file.Data) {
		r.because(file.Path, file.Kind, disk)
		r.update.Changes = append(r.update.Changes, txn.Change{Path: path.Join(r.tree.Name, file.Path), Data: file.Data})
	}
	return nil
}

// check records a conflict where the file on disk is not what the lock says was written.
func (r *reconciler) check(file File, disk []byte) {
	written, known := r.old.Files[file.Path]
	if !known {
		r.conflict(file.Path, "was not written by kservegen")
		return
	}
	if fingerprint(kindOf(written), disk) != written {
		r.conflict(file.Path, "was edited by hand")
		return
	}
	if edits := readTraffic(disk); file.Kind == TrafficFile && editedByHand(edits) && !agrees(edits, readTraffic(file.Data)) {
		r.conflict(file.Path, "has weights that were edited by hand: "+describeEdits(edits))
		last := &r.update.Conflicts[len(r.update.Conflicts)-1]
		last.Weights = edits
		last.Environment = strings.Split(file.Path, "/")[1]
	}
}

// agrees reports that the document caught up with the weights on disk.
func agrees(disk, document []WeightEdit) bool {
	return slices.EqualFunc(disk, document, func(a, b WeightEdit) bool {
		return a.Revision == b.Revision && a.Value == b.Value
	})
}

func describeEdits(edits []WeightEdit) string {
	var words []string
	for _, edit := range edits {
		if edit.Value != edit.Document {
			words = append(words, fmt.Sprintf("%s %d, the document said %d", edit.Revision, edit.Value, edit.Document))
		}
	}
	return strings.Join(words, "; ")
}

func kindOf(written string) FileKind {
	if strings.HasPrefix(written, structurePrefix) {
		return TrafficFile
	}
	return Generated
}

func (r *reconciler) conflict(file, why string) {
	r.update.Conflicts = append(r.update.Conflicts, Conflict{Path: path.Join(r.tree.Name, file), Why: why, Tree: r.tree.Name})
}

// remove deletes a generated file that the document no longer has.
func (r *reconciler) remove(file string) error {
	if !fs.ValidPath(file) {
		return fmt.Errorf("reading %s: %q leaves the tree; restore the lock from Git", path.Join(r.tree.Name, LockFile), file)
	}
	disk, err := r.read(file)
	if err != nil || disk == nil {
		return err
	}
	if written := r.old.Files[file]; !r.opts.Force && fingerprint(kindOf(written), disk) != written {
		r.conflict(file, "was edited by hand, and the document no longer has it")
		return nil
	}
	r.because(file, Generated, disk)
	r.update.Changes = append(r.update.Changes, txn.Change{Path: path.Join(r.tree.Name, file), Remove: true})
	return nil
}

// orphans handles the custom folders of environments that are gone: an untouched one goes, a used one stays.
func (r *reconciler) orphans(current map[string]bool) error {
	pristine, err := customBytes()
	if err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(r.old.Files)) {
		dir, isOverlay := strings.CutSuffix(file, "/patches/"+kustomizationFile)
		custom := dir + "/custom/" + kustomizationFile
		if !isOverlay || current[custom] {
			continue
		}
		disk, err := r.read(custom)
		if err != nil {
			return err
		}
		entries, _ := fs.ReadDir(r.dir, path.Join(r.tree.Name, dir, "custom"))
		switch {
		case disk != nil && bytes.Equal(disk, pristine) && len(entries) == 1:
			r.update.Reasons[path.Join(r.tree.Name, custom)] = Reason{Cause: CauseDocument}
			r.update.Changes = append(r.update.Changes, txn.Change{Path: path.Join(r.tree.Name, custom), Remove: true})
		case len(entries) > 0:
			r.update.Kept = append(r.update.Kept, path.Join(r.tree.Name, dir, "custom"))
		}
	}
	return nil
}
