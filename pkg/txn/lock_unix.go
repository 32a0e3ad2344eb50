//go:build unix && !aix && !solaris

package txn

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// flock is an advisory lock that ends with its process, however that ends.
type flock struct {
	root *os.Root
	name string
	file *os.File
}

// Close removes the file while the lock is held: whoever has it open already sees that it is gone, see lockFile.
func (l *flock) Close() error {
	return errors.Join(l.root.Remove(l.name), l.release())
}

// release unlocks by name and not only by closing: a process that is just being forked off has the file open, too.
func (l *flock) release() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}

func lockFile(root *os.Root, name string) (io.Closer, error) {
	const tries = 10 // more rounds than that are not a race with writers that just end
	for range tries {
		f, err := root.OpenFile(name, os.O_RDONLY|os.O_CREATE, fileMode)
		if err != nil {
			return nil, err
		}
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, ErrLocked
			}
			return nil, &os.PathError{Op: "flock", Path: name, Err: err}
		}
		// Another writer may have removed the file between the two calls. A lock on a file without a name locks nobody out.
		held, err := f.Stat()
		if err == nil {
			var named os.FileInfo
			if named, err = root.Lstat(name); err == nil && os.SameFile(held, named) {
				return &flock{root, name, f}, nil
			}
		}
		_ = f.Close()
		if err != nil && !isNotExist(err) {
			return nil, err
		}
	}
	return nil, ErrLocked
}
