package write

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

// Stale is a tree that is not what its document says, so that a step would change more than it is about.
type Stale struct {
	// Tree is the folder, Files what differs in it; no files where there is no tree.
	Tree  string
	Files []string
}

func (s *Stale) Error() string {
	if len(s.Files) == 0 {
		return fmt.Sprintf("there is no tree in %s; render it, or name the directory of the trees with -d", s.Tree)
	}
	files := s.Files
	if len(files) > 3 {
		files = append(slices.Clone(files[:3]), fmt.Sprintf("and %d more", len(s.Files)-3))
	}
	return fmt.Sprintf("%s is not what the document says: %s; render it first (kservegen render), and look at what that changes", s.Tree, strings.Join(files, ", "))
}

// Change is a document before and after, among those that are rendered together.
type Change struct {
	// File is the document's, Data what it is to hold.
	File string
	Data []byte
	// Before and After are the one that changes.
	Before, After *spec.Deployment
	// Together are all documents afterwards, for what they share; nil leaves that alone.
	Together []*spec.Deployment
}

// Plan is what is to be written.
type Plan struct {
	// Root holds the document and the trees; the paths of Changes are relative to it, and those of Trees are folders that
	// change.
	Root    string
	Changes []txn.Change
	Trees   []string
}

// Make says what a change writes below the directory of the trees. Where only weights change, what else is not
// current in the tree is left alone; otherwise all of it must be current.
func Make(dir string, c Change) (Plan, error) {
	root, err := Root(dir, c.File)
	if err != nil {
		return Plan{}, err
	}
	generator := render.NewGenerator()
	before, err := generator.Tree(c.Before)
	if err != nil {
		return Plan{}, err
	}
	after, err := generator.Tree(c.After)
	if err != nil {
		return Plan{}, err
	}
	trees := []*render.Tree{after}
	if c.Together != nil {
		shared, failed := generator.Shared(c.Together)
		if failed != nil {
			return Plan{}, failed
		}
		if shared != nil {
			trees = append(trees, shared)
		}
	}
	changes, err := differences(dir, before, trees)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Root: root}
	for _, tree := range trees {
		plan.Trees = append(plan.Trees, filepath.Join(dir, tree.Name))
	}
	return plan, plan.add(dir, c, changes)
}

// add puts the tree's changes and the document together.
func (p *Plan) add(dir string, c Change, changes []txn.Change) error {
	trees, err := Below(p.Root, dir)
	if err != nil {
		return err
	}
	document, err := Below(p.Root, c.File)
	if err != nil {
		return err
	}
	for _, change := range changes {
		change.Path = path.Join(trees, change.Path)
		p.Changes = append(p.Changes, change)
	}
	p.Changes = append(p.Changes, txn.Change{Path: document, Data: c.Data})
	return nil
}

// differences are what is to change in the directory.
func differences(dir string, before *render.Tree, after []*render.Tree) ([]txn.Change, error) {
	var files []string
	for _, tree := range append([]*render.Tree{before}, after...) {
		files = append(files, tree.Paths()...)
	}
	if err := txn.InTheWay(dir, unique(files)); err != nil {
		return nil, err
	}
	disk, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Stale{Tree: filepath.Join(dir, before.Name)}
	}
	if err != nil {
		return nil, err
	}
	defer disk.Close()
	lock, err := readLock(disk.FS(), dir, before.Name)
	if err != nil {
		return nil, err
	}
	stale, err := render.Reconcile(disk.FS(), []*render.Tree{before}, render.Options{})
	if err != nil {
		return nil, err
	}
	notCurrent := map[string]bool{}
	for _, change := range stale.Changes {
		notCurrent[change.Path] = true
	}
	for _, conflict := range stale.Conflicts {
		notCurrent[conflict.Path] = true
	}
	if reflect.DeepEqual(before.Lock, after[0].Lock) { // which covers all but numbers
		return numbers(dir, lock, notCurrent, before, after[0])
	}
	if len(notCurrent) > 0 {
		return nil, staleOf(dir, before.Name, notCurrent)
	}
	update, err := render.Reconcile(disk.FS(), after, render.Options{})
	if err == nil && len(update.Conflicts) > 0 {
		conflict := update.Conflicts[0]
		err = fmt.Errorf("%s %s; render it first", filepath.Join(dir, conflict.Path), conflict.Why)
	}
	return update.Changes, err
}

func unique(files []string) []string {
	slices.Sort(files)
	return slices.Compact(files)
}

func readLock(disk fs.FS, dir, name string) (render.Lock, error) {
	file := path.Join(name, render.LockFile)
	data, err := fs.ReadFile(disk, file)
	if errors.Is(err, fs.ErrNotExist) {
		return render.Lock{}, &Stale{Tree: filepath.Join(dir, name)}
	}
	if err != nil {
		return render.Lock{}, err
	}
	return render.ReadLock(filepath.Join(dir, file), data)
}

// numbers are the files in which only weights differ. The tree must be of this document, and these files as they were
// rendered; a newer kservegen may write others differently, and a rollback must not wait for that.
func numbers(dir string, lock render.Lock, notCurrent map[string]bool, before, after *render.Tree) ([]txn.Change, error) {
	if lock.Document != before.Lock.Document {
		return nil, staleOf(dir, before.Name, map[string]bool{path.Join(before.Name, render.LockFile): true})
	}
	old := map[string][]byte{}
	for _, file := range before.Files {
		old[file.Path] = file.Data
	}
	var changes []txn.Change
	inTheWay := map[string]bool{}
	for _, file := range after.Files {
		if bytes.Equal(old[file.Path], file.Data) {
			continue
		}
		full := path.Join(after.Name, file.Path)
		if notCurrent[full] {
			inTheWay[full] = true
		}
		changes = append(changes, txn.Change{Path: full, Data: file.Data})
	}
	if len(inTheWay) > 0 {
		return nil, staleOf(dir, before.Name, inTheWay)
	}
	return changes, nil
}

func staleOf(dir, name string, files map[string]bool) error {
	s := &Stale{Tree: filepath.Join(dir, name)}
	for file := range files {
		s.Files = append(s.Files, filepath.Join(dir, file))
	}
	slices.Sort(s.Files)
	return s
}

// Commit writes all of the plan or nothing.
func (p Plan) Commit(ctx context.Context, opts txn.Options) (txn.Result, error) {
	opts.Last = func(file string) bool { return path.Base(file) == render.LockFile }
	return txn.Commit(ctx, p.Root, p.Changes, opts)
}

// Root is the directory that holds a document and the trees, in which they are written together.
func Root(dir, document string) (string, error) {
	a, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	b, err := filepath.Abs(filepath.Dir(document))
	if err != nil {
		return "", err
	}
	for !contains(a, b) {
		a = filepath.Dir(a)
	}
	if filepath.Dir(a) == a {
		return "", fmt.Errorf("%s and %s have no directory in common; keep the document and its trees in one, so that they are written together", document, dir)
	}
	return a, nil
}

func contains(dir, other string) bool {
	relative, err := filepath.Rel(dir, other)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

// Below is a path as one relative to the root, with slashes.
func Below(root, name string) (string, error) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(root, absolute)
	return filepath.ToSlash(relative), err
}

// Recover finishes or undoes what an interrupted run left of a document and its trees, and says what it did.
func Recover(dir string, documents ...string) ([]string, error) {
	var roots, done []string
	for _, document := range documents {
		root, err := Root(dir, document)
		if err != nil || slices.Contains(roots, root) {
			continue // without a common directory nothing was written together
		}
		roots = append(roots, root)
		said, err := txn.Recover(root, nil)
		if err != nil {
			return done, err
		}
		if said != "" {
			done = append(done, said)
		}
	}
	return done, nil
}
