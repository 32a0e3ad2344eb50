package txn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const (
	fileMode fs.FileMode = 0o644
	dirMode  fs.FileMode = 0o755
)

// FS is what a transaction needs outside its root: to make and open it.
type FS interface {
	// Stat follows symbolic links: the root itself may be one.
	Stat(dir string) (fs.FileInfo, error)
	Mkdir(dir string, perm fs.FileMode) error
	Remove(dir string) error
	Open(dir string) (Dir, error)
}

// Dir is what a transaction needs below its root. Names have slashes, are relative to the root, and lead nowhere else.
// Errors answer to [fs.ErrNotExist], [fs.ErrExist] (also for a directory that is not empty) and [fs.ErrPermission].
type Dir interface {
	io.Closer
	// Lstat does not follow a symbolic link in the last element.
	Lstat(name string) (fs.FileInfo, error)
	ReadFile(name string) ([]byte, error)
	// ReadDir returns the names in a directory, in any order.
	ReadDir(name string) ([]string, error)
	// WriteFile writes a file that must not exist yet; perm is subject to the umask.
	WriteFile(name string, data []byte, perm fs.FileMode) error
	Chmod(name string, perm fs.FileMode) error
	Mkdir(name string, perm fs.FileMode) error
	// Rename replaces what stands at newName in one step.
	Rename(oldName, newName string) error
	// Link makes a hard link; a file system without them answers [errors.ErrUnsupported] or [fs.ErrPermission].
	Link(oldName, newName string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// Sync flushes a file or a directory to the disk.
	Sync(name string) error
	// Lock makes and locks a file without waiting, or returns [ErrLocked]. Closing removes the file and unlocks.
	Lock(name string) (io.Closer, error)
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
func isExist(err error) bool    { return errors.Is(err, fs.ErrExist) }

// refusal is an error that answers to ErrRefused without repeating its words.
type refusal struct{ text string }

func (r *refusal) Error() string   { return r.text }
func (r *refusal) Is(t error) bool { return t == ErrRefused }

func refuse(format string, args ...any) error {
	return &refusal{fmt.Sprintf(format, args...)}
}
