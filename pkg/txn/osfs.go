package txn

import (
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
)

// OS returns the machine's file system. Below a root it works through [os.Root], so that no symbolic link leads out.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Stat(dir string) (fs.FileInfo, error)     { return os.Stat(dir) }
func (osFS) Mkdir(dir string, perm fs.FileMode) error { return os.Mkdir(dir, perm) }
func (osFS) Remove(dir string) error                  { return os.Remove(dir) }

func (osFS) Open(dir string) (Dir, error) {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &osDir{root: r}, nil
}

// osDir keeps the last directory that it worked in open: os.Root opens each element of a name anew on every call,
// which for a tree four levels deep is most of the system calls.
type osDir struct {
	root   *os.Root
	sub    *os.Root
	subDir string
}

var _ Dir = (*osDir)(nil)

// in returns the directory of name, opened, and name's last element.
func (d *osDir) in(name string) (*os.Root, string, error) {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		return d.root, base, nil
	}
	if d.sub != nil && dir == d.subDir {
		return d.sub, base, nil
	}
	sub, err := d.root.OpenRoot(dir)
	if err != nil {
		return nil, "", err
	}
	d.forget()
	d.sub, d.subDir = sub, dir
	return sub, base, nil
}

func (d *osDir) forget() {
	if d.sub != nil {
		_ = d.sub.Close() // a directory opened for reading has nothing to lose
		d.sub = nil
	}
}

func (d *osDir) Close() error {
	d.forget()
	return d.root.Close()
}

func (d *osDir) Lstat(name string) (fs.FileInfo, error) {
	r, base, err := d.in(name)
	if err != nil {
		return nil, err
	}
	return r.Lstat(base)
}

func (d *osDir) ReadFile(name string) ([]byte, error) {
	r, base, err := d.in(name)
	if err != nil {
		return nil, err
	}
	return r.ReadFile(base)
}

func (d *osDir) ReadDir(name string) ([]string, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	_ = f.Close()
	return names, err
}

func (d *osDir) WriteFile(name string, data []byte, perm fs.FileMode) error {
	r, base, err := d.in(name)
	if err != nil {
		return err
	}
	f, err := r.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func (d *osDir) Chmod(name string, perm fs.FileMode) error {
	r, base, err := d.in(name)
	if err != nil {
		return err
	}
	return r.Chmod(base, perm)
}

func (d *osDir) Mkdir(name string, perm fs.FileMode) error {
	return d.root.Mkdir(name, perm)
}

// Rename cannot use the open directory: os.Root renames only below one root.
func (d *osDir) Rename(oldName, newName string) error {
	return d.root.Rename(oldName, newName)
}

func (d *osDir) Link(oldName, newName string) error {
	return d.root.Link(oldName, newName)
}

func (d *osDir) Remove(name string) error {
	if name == d.subDir || strings.HasPrefix(d.subDir, name+"/") {
		d.forget() // or a directory made anew under this name would not be found
	}
	r, base, err := d.in(name)
	if err != nil {
		return err
	}
	return r.Remove(base)
}

func (d *osDir) Sync(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	err = f.Sync()
	if fi, serr := f.Stat(); runtime.GOOS == "windows" && serr == nil && fi.IsDir() {
		err = nil // Windows does not flush directories
	}
	_ = f.Close()
	return err
}

func (d *osDir) Lock(name string) (io.Closer, error) { return lockFile(d.root, name) }
