package txn

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// checkChanges checks what can be said without a look at the disk, and reports everything it finds.
func checkChanges(changes []Change) error {
	var errs []error
	seen := names{}
	for _, c := range changes {
		err := checkPath(c.Path)
		if err == nil && c.Remove && c.Data != nil {
			err = refuse("%s: is to be removed and has data; give one of the two", c.Path)
		}
		if err == nil {
			err = seen.add(c.Path)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkPath refuses a path that leads out of the root, or that does not mean the same on every system.
func checkPath(p string) error {
	first, _, _ := strings.Cut(p, "/")
	switch {
	case p == "":
		return refuse("a change has an empty path; name a file below the output directory")
	case strings.ContainsRune(p, 0):
		return refuse("%q: has a NUL character in its path; remove it", p)
	case strings.ContainsRune(p, '\\'):
		return refuse("%q: has a backslash in its path; separate with slashes", p)
	case path.IsAbs(p):
		return refuse("%q: is an absolute path; name a file below the output directory", p)
	case slices.Contains(strings.Split(p, "/"), ".."):
		return refuse("%q: leaves the output directory (..); name a file below it", p)
	case p == "." || !fs.ValidPath(p):
		return refuse("%q: is not a clean path of valid UTF-8; leave out ., empty elements and a slash at the end", p)
	case strings.EqualFold(first, WorkDir):
		return refuse("%q: is in the directory of unfinished writes; choose another name", p)
	}
	return nil
}

// names are the files and directories that a set of changes names, by their name without case.
type names map[string]named

type named struct {
	path string
	file bool
}

// add takes up a file and the directories that lead to it. Case matters not: macOS and Windows fold it, and the tree must be the same everywhere.
func (n names) add(file string) error {
	for p := file; p != "."; p = path.Dir(p) {
		now := named{p, p == file}
		key := strings.ToLower(p)
		before, taken := n[key]
		switch {
		case !taken:
			n[key] = now
		case before.path != now.path:
			return refuse("%s and %s: differ only in case, and are one on some systems; rename one", before.path, now.path)
		case before.file && now.file:
			return refuse("%s: is changed twice; keep one", p)
		case before.file != now.file:
			return refuse("%s: is a file in one change and a directory in another; rename one", p)
		default:
			return nil // a known directory, so its parents are known too
		}
	}
	return nil
}

// order puts changes in the order they are carried out: by path, then those of last as they came.
func order(changes []Change, last func(string) bool) []Change {
	sorted := make([]Change, 0, len(changes))
	var tail []Change
	for _, c := range changes {
		if last != nil && last(c.Path) {
			tail = append(tail, c)
		} else {
			sorted = append(sorted, c)
		}
	}
	slices.SortFunc(sorted, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return append(sorted, tail...)
}
