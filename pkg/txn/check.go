package txn

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// plan is what remains to be done of a set of changes.
type plan struct {
	entries []target
	mkdirs  []string  // missing directories, parents first
	rmdirs  []emptied // directories that removals may leave empty, children first
	writes  int       // entries that are not removals
}

// target is a change that differs from what is on disk.
type target struct {
	Change
	replaces bool
	mode     fs.FileMode // of the file it replaces
}

// checker looks at the tree, each directory once, and collects what stands in the way.
type checker struct {
	w        *work
	dirs     map[string]directory
	readOnly map[string]bool // reported already
	errs     []error
	plan     plan
	making   map[string]bool // in plan.mkdirs
}

type directory struct {
	exists, refused bool
	mode            fs.FileMode
}

// check compares the changes with the tree. It writes nothing.
func (w *work) check(ctx context.Context, changes []Change, last func(string) bool) (plan, error) {
	c := &checker{w: w, dirs: map[string]directory{}, readOnly: map[string]bool{}, making: map[string]bool{}}
	for _, change := range order(changes, last) {
		if err := ctx.Err(); err != nil {
			return plan{}, err
		}
		if err := c.file(change); err != nil {
			c.errs = append(c.errs, err)
		}
	}
	c.emptied()
	return c.plan, errors.Join(c.errs...)
}

// InTheWay looks for what would keep files from being read and written below root: links, directories, devices.
// The error answers to [ErrRefused]. A root that does not exist is in nobody's way.
func InTheWay(root string, files []string) error {
	d, err := OS().Open(root)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return notADirectory(OS(), root, err)
	}
	defer func() { _ = d.Close() }() // it was only read
	c := &checker{w: &work{root: root, d: d}, dirs: map[string]directory{}}
	for _, file := range files {
		if parent := c.dir(path.Dir(file)); parent.exists && !parent.refused {
			if _, _, err := c.look(file); err != nil {
				c.errs = append(c.errs, err)
			}
		}
	}
	return errors.Join(c.errs...)
}

// file decides what one change needs.
func (c *checker) file(change Change) error {
	parent := c.dir(path.Dir(change.Path))
	if parent.refused {
		return nil // said once, for the directory
	}
	t := target{Change: change}
	if parent.exists {
		same, err := c.compare(&t)
		if err != nil || same {
			return err
		}
	}
	if change.Remove && !t.replaces {
		return nil
	}
	c.plan.entries = append(c.plan.entries, t)
	if !change.Remove {
		c.plan.writes++
	}
	return c.writable(path.Dir(change.Path))
}

// look wants a regular file at a path, or nothing.
func (c *checker) look(file string) (fi fs.FileInfo, exists bool, err error) {
	fi, err = c.w.d.Lstat(file)
	at := c.w.at(file)
	switch {
	case isNotExist(err):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("looking at %s: %w", at, err)
	case fi.Mode()&fs.ModeSymlink != 0:
		return nil, false, refuse("%s: is a symbolic link; kservegen does not write through links: delete it", at)
	case fi.IsDir():
		return nil, false, refuse("%s: is a directory where a file is expected; move it away", at)
	case !fi.Mode().IsRegular():
		return nil, false, refuse("%s: is not a regular file; move it away", at)
	}
	return fi, true, nil
}

// compare looks at what stands at the target, and says whether it is what the change wants.
func (c *checker) compare(t *target) (same bool, err error) {
	fi, exists, err := c.look(t.Path)
	if err != nil || !exists {
		return false, err
	}
	t.replaces, t.mode = true, permission(fi)
	if t.Remove || fi.Size() != int64(len(t.Data)) {
		return false, nil
	}
	data, err := c.w.d.ReadFile(t.Path)
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", c.w.at(t.Path), err)
	}
	return bytes.Equal(data, t.Data), nil
}

// dir looks at a directory on the way to a file.
func (c *checker) dir(p string) directory {
	if d, known := c.dirs[p]; known {
		return d
	}
	d := directory{}
	if p != "." {
		if parent := c.dir(path.Dir(p)); parent.refused || !parent.exists {
			c.dirs[p] = parent
			return parent
		}
	}
	fi, err := c.w.d.Lstat(p)
	at := c.w.at(p)
	switch {
	case isNotExist(err):
		err = nil
	case err != nil:
		err = fmt.Errorf("looking at %s: %w", at, err)
	case fi.Mode()&fs.ModeSymlink != 0:
		err = refuse("%s: is a symbolic link on the way to a file; kservegen does not write through links: delete it", at)
	case !fi.IsDir():
		err = refuse("%s: is a file where a directory is expected; move it away", at)
	default:
		d.exists, d.mode = true, permission(fi)
	}
	if err != nil {
		d.refused = true
		c.errs = append(c.errs, err)
	}
	c.dirs[p] = d
	return d
}

// writable checks that a directory can take a change, or can be made. The mode decides, not the user: who makes a
// directory read-only means it, also when root runs this.
func (c *checker) writable(p string) error {
	for !c.dirs[p].exists {
		if !c.making[p] {
			c.making[p] = true
			c.plan.mkdirs = append(c.plan.mkdirs, p)
		}
		p = path.Dir(p)
	}
	if c.dirs[p].mode&0o222 != 0 || c.readOnly[p] {
		return nil
	}
	c.readOnly[p] = true
	return readOnly(c.w.at(p))
}

// emptied lists the directories that removals may leave empty. Those that are not empty in the end refuse to be removed.
func (c *checker) emptied() {
	seen := map[string]bool{}
	for _, t := range c.plan.entries {
		for d := path.Dir(t.Path); t.Remove && d != "." && !seen[d]; d = path.Dir(d) {
			seen[d] = true
			c.plan.rmdirs = append(c.plan.rmdirs, emptied{Path: d, Mode: c.dirs[d].mode})
		}
	}
	slices.SortFunc(c.plan.rmdirs, func(a, b emptied) int { return cmp.Compare(b.Path, a.Path) })
	slices.Sort(c.plan.mkdirs) // a parent is a prefix of its children, and sorts before them
}
