//go:build unix

package txn

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// killed is what a faulty file system panics with: nothing of the transaction runs on after it.
type killed struct{}

// faulty counts the operations of a transaction and, at a chosen one, fails or kills it. It is made anew for each run.
type faulty struct {
	failAt, killAt int                  // the operation, from 1; 0 is never
	lasting        func(op string) bool // operations that keep failing after failAt; nil: only the one fails
	noLinks        bool                 // as on a file system without hard links
	errno          error                // what fails with; nil is ENOSPC
	ops            []string
	dead           bool
	open           []func() // what the kernel closes for a dead process
}

// step is called before each operation.
func (f *faulty) step(op, name string) error {
	if f.dead {
		panic(killed{}) // a deferred function: a dead process runs none
	}
	f.ops = append(f.ops, op+" "+name)
	n := len(f.ops)
	if n == f.killAt {
		f.die()
	}
	if n == f.failAt || f.failAt > 0 && n > f.failAt && f.lasting != nil && f.lasting(op) {
		if f.errno == nil {
			f.errno = syscall.ENOSPC
		}
		return &fs.PathError{Op: op, Path: name, Err: f.errno}
	}
	return nil
}

func (f *faulty) die() {
	f.dead = true
	for _, closeIt := range f.open {
		closeIt()
	}
	panic(killed{})
}

func (f *faulty) Stat(dir string) (fs.FileInfo, error) {
	if err := f.step("stat", dir); err != nil {
		return nil, err
	}
	return os.Stat(dir)
}

func (f *faulty) Mkdir(dir string, perm fs.FileMode) error {
	if err := f.step("mkdir", dir); err != nil {
		return err
	}
	return os.Mkdir(dir, perm)
}

func (f *faulty) Remove(dir string) error {
	if err := f.step("remove", dir); err != nil {
		return err
	}
	return os.Remove(dir)
}

func (f *faulty) Open(dir string) (Dir, error) {
	if err := f.step("open", dir); err != nil {
		return nil, err
	}
	d, err := OS().Open(dir)
	if err != nil {
		return nil, err
	}
	f.open = append(f.open, func() { _ = d.Close() })
	return &faultyDir{f, d}, nil
}

type faultyDir struct {
	f *faulty
	Dir
}

func (d *faultyDir) Close() error {
	if d.f.dead {
		return nil
	}
	return d.Dir.Close()
}

func (d *faultyDir) Lstat(name string) (fs.FileInfo, error) {
	if err := d.f.step("lstat", name); err != nil {
		return nil, err
	}
	return d.Dir.Lstat(name)
}

func (d *faultyDir) ReadFile(name string) ([]byte, error) {
	if err := d.f.step("readfile", name); err != nil {
		return nil, err
	}
	return d.Dir.ReadFile(name)
}

func (d *faultyDir) ReadDir(name string) ([]string, error) {
	if err := d.f.step("readdir", name); err != nil {
		return nil, err
	}
	return d.Dir.ReadDir(name)
}

// WriteFile tears the write that it stops: half of the data reaches the disk.
func (d *faultyDir) WriteFile(name string, data []byte, perm fs.FileMode) error {
	torn := true
	defer func() {
		if torn {
			_ = os.WriteFile(d.real(name), data[:len(data)/2], perm)
		}
	}()
	if d.f.dead {
		torn = false
	}
	err := d.f.step("writefile", name)
	if err != nil {
		return err
	}
	torn = false
	return d.Dir.WriteFile(name, data, perm)
}

func (d *faultyDir) real(name string) string { return d.Dir.(*osDir).root.Name() + "/" + name }

func (d *faultyDir) Chmod(name string, perm fs.FileMode) error {
	if err := d.f.step("chmod", name); err != nil {
		return err
	}
	return d.Dir.Chmod(name, perm)
}

func (d *faultyDir) Mkdir(name string, perm fs.FileMode) error {
	if err := d.f.step("mkdir", name); err != nil {
		return err
	}
	return d.Dir.Mkdir(name, perm)
}

func (d *faultyDir) Rename(oldName, newName string) error {
	if err := d.f.step("rename", newName); err != nil {
		return err
	}
	return d.Dir.Rename(oldName, newName)
}

func (d *faultyDir) Link(oldName, newName string) error {
	if err := d.f.step("link", newName); err != nil {
		return err
	}
	if d.f.noLinks {
		return errors.ErrUnsupported
	}
	return d.Dir.Link(oldName, newName)
}

func (d *faultyDir) Remove(name string) error {
	if err := d.f.step("remove", name); err != nil {
		return err
	}
	return d.Dir.Remove(name)
}

// Sync does nothing: these tests kill processes, not machines, and there are thousands of runs.
func (d *faultyDir) Sync(name string) error { return d.f.step("sync", name) }

func (d *faultyDir) Lock(name string) (io.Closer, error) {
	if err := d.f.step("lock", name); err != nil {
		return nil, err
	}
	l, err := d.Dir.Lock(name)
	if err != nil {
		return nil, err
	}
	d.f.open = append(d.f.open, func() { _ = l.(*flock).release() })
	return &faultyLock{d.f, l}, nil
}

type faultyLock struct {
	f *faulty
	io.Closer
}

func (l *faultyLock) Close() error {
	if l.f.dead {
		return nil
	}
	if err := l.f.step("unlock", ""); err != nil {
		_ = l.Closer.(*flock).release() // the lock itself ends with the process at the latest
		return err
	}
	return l.Closer.Close()
}
