package load

import (
	"errors"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// disk is the file system for Kustomize: regular files within the limits, and nothing can be written.
type disk struct {
	filesys.FileSystem
	*loader
}

var errReadOnly = errors.New("validation writes nothing")

// ReadFile implements filesys.FileSystem.
func (d disk) ReadFile(path string) ([]byte, error) {
	// Kustomize looks for each name that a kustomization may have, by reading it.
	if !exists(path) {
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
	}
	if f, ok := d.files[path]; ok && f.data != nil {
		f.used = true
		return f.data, nil
	}
	return d.readFile("", filepath.Clean(path))
}

// Open implements filesys.FileSystem; Kustomize itself reads by ReadFile.
func (d disk) Open(string) (filesys.File, error) { return nil, errReadOnly }

// Create implements filesys.FileSystem.
func (d disk) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir implements filesys.FileSystem.
func (d disk) Mkdir(string) error { return errReadOnly }

// MkdirAll implements filesys.FileSystem.
func (d disk) MkdirAll(string) error { return errReadOnly }

// RemoveAll implements filesys.FileSystem.
func (d disk) RemoveAll(string) error { return errReadOnly }

// WriteFile implements filesys.FileSystem.
func (d disk) WriteFile(string, []byte) error { return errReadOnly }
