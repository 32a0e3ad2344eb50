//go:build unix

package txn

import "io/fs"

// hooked calls a function before the main operations of a healthy file system.
type hooked struct {
	FS
	before func(op, name string)
}

func (h *hooked) Open(dir string) (Dir, error) {
	d, err := h.FS.Open(dir)
	return &hookedDir{d, h.before}, err
}

type hookedDir struct {
	Dir
	before func(op, name string)
}

func (d *hookedDir) WriteFile(name string, data []byte, perm fs.FileMode) error {
	d.before("writefile", name)
	return d.Dir.WriteFile(name, data, perm)
}

func (d *hookedDir) Rename(oldName, newName string) error {
	d.before("rename", newName)
	return d.Dir.Rename(oldName, newName)
}

func (d *hookedDir) ReadFile(name string) ([]byte, error) {
	d.before("readfile", name)
	return d.Dir.ReadFile(name)
}
