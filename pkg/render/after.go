package render

import (
	"bytes"
	"path/filepath"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// After returns the objects of an environment as building its overlay below dir would give them once the tree is
// written there: with what the user has in custom/.
func (t *Tree) After(dir string, environment Environment) ([]map[string]any, error) {
	overlay := filepath.Join(dir, t.Name, "overlays", environment.Name)
	disk := filesys.MakeFsOnDisk()
	if !t.customized(disk, filepath.Join(overlay, "custom")) {
		return environment.Objects, nil
	}
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, file := range t.Files {
		if file.Kind != Custom {
			files[filepath.Join(root, t.Name, filepath.FromSlash(file.Path))] = file.Data
		}
	}
	return BuildObjects(rendered{disk, files}, overlay)
}

// customized reports whether a custom folder on disk holds more than what was written there first.
func (t *Tree) customized(disk filesys.FileSystem, custom string) bool {
	names, err := disk.ReadDir(custom)
	if err != nil {
		return false
	}
	data, _ := disk.ReadFile(filepath.Join(custom, kustomizationFile)) // what cannot be read is not as it was
	for _, file := range t.Files {
		if file.Kind == Custom {
			return len(names) != 1 || !bytes.Equal(data, file.Data)
		}
	}
	return true
}

// rendered is the disk with a tree's files in place of those that stand there.
type rendered struct {
	filesys.FileSystem
	files map[string][]byte
}

func (r rendered) ReadFile(path string) ([]byte, error) {
	if data, ok := r.files[path]; ok {
		return data, nil
	}
	return r.FileSystem.ReadFile(path)
}

func (r rendered) Exists(path string) bool {
	_, ok := r.files[path]
	return ok || r.FileSystem.Exists(path)
}

// CleanedAbs is where Kustomize asks whether a file may be read; one that is not on disk yet may.
func (r rendered) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	if _, ok := r.files[path]; ok {
		return filesys.ConfirmedDir(filepath.Dir(path)), filepath.Base(path), nil
	}
	return r.FileSystem.CleanedAbs(path)
}
