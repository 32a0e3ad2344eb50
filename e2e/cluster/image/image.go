// Package image writes container images as archives, without a registry and without a builder.
package image

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Image is what goes into an image: at most one layer below, and one of files.
type Image struct {
	// Name is the full name with a tag, as a pod names it.
	Name string
	// Aliases are further names of it.
	Aliases []string
	// Base is a tar, or one packed by gzip, of the layer below; without it the image starts from nothing.
	Base string
	// Files are laid over the base.
	Files []File
	// Config says how it is started; an empty Env gets a PATH.
	Config v1.Config
	// Uncompressed leaves the layer of files as it is: for an archive that is read once, on this machine.
	Uncompressed bool
}

// File is a file, folder or link in an image. It belongs to root unless UID says otherwise.
type File struct {
	// Path is absolute.
	Path string
	// Source is the file of this machine whose bytes it has.
	Source string
	// Content is what it has where there is no source.
	Content []byte
	// Link makes it a symbolic link to that.
	Link string
	// Mode has the permissions (0644, of a folder 0755, where none is given), and fs.ModeDir for a folder.
	Mode fs.FileMode
	// UID is the owner, user and group.
	UID int
}

// Program is an executable of this machine, at a path in the image.
func Program(path, source string) File { return File{Path: path, Source: source, Mode: 0o755} }

// Dir is a folder.
func Dir(path string, mode fs.FileMode, uid int) File {
	return File{Path: path, Mode: fs.ModeDir | mode, UID: uid}
}

// Tree is a folder of this machine with all that is in it. The mode decides over what is executable.
func Tree(to, from string, mode func(name string) fs.FileMode) ([]File, error) {
	var files []File
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		file := File{Path: path.Join(to, filepath.ToSlash(rel)), Source: name, Mode: mode(rel)}
		if entry.IsDir() {
			file = Dir(file.Path, 0o755, 0)
		}
		files = append(files, file)
		return nil
	})
	return files, err
}

// Archive writes the image to the folder, as `docker save` would, unless it is there, and returns the path.
// Its name has a digest of all that is in the image.
func (i Image) Archive(dir string) (string, error) {
	digest, err := i.Digest()
	if err != nil {
		return "", fmt.Errorf("image %s: %w", i.Name, err)
	}
	short := path.Base(strings.ReplaceAll(i.Name, ":", "-"))
	archive := filepath.Join(dir, short+"-"+digest+".tar")
	if now := time.Now(); os.Chtimes(archive, now, now) == nil { // it is there, and in use
		return archive, nil
	}
	if err = os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	partial := fmt.Sprintf("%s.%d", archive, os.Getpid())
	defer os.RemoveAll(partial)
	if err = i.write(partial); err != nil {
		return "", fmt.Errorf("image %s: %w", i.Name, err)
	}
	return archive, os.Rename(partial, archive)
}

func (i Image) write(archive string) (err error) {
	files, err := os.CreateTemp(filepath.Dir(archive), "layer-*.tar")
	if err != nil {
		return err
	}
	defer os.RemoveAll(files.Name())
	if err = i.layer(files); err != nil {
		_ = files.Close() // the layer's error says more
		return err
	}
	if err = files.Close(); err != nil {
		return err
	}
	built, err := i.build(files.Name())
	if err != nil {
		return err
	}
	names := map[name.Reference]v1.Image{}
	for _, n := range append([]string{i.Name}, i.Aliases...) {
		tag, err := name.NewTag(n)
		if err != nil {
			return err
		}
		names[tag] = built
	}
	return tarball.MultiRefWriteToFile(archive, names)
}

// build puts the layers together.
func (i Image) build(files string) (v1.Image, error) {
	var layers []v1.Layer
	if i.Base != "" {
		base, err := tarball.LayerFromFile(i.Base)
		if err != nil {
			return nil, fmt.Errorf("reading layer %s: %w", i.Base, err)
		}
		layers = append(layers, base)
	}
	level := gzip.BestSpeed
	if i.Uncompressed {
		level = gzip.NoCompression
	}
	top, err := tarball.LayerFromFile(files, tarball.WithCompressionLevel(level))
	if err != nil {
		return nil, err
	}
	built, err := mutate.AppendLayers(empty.Image, append(layers, top)...)
	if err != nil {
		return nil, err
	}
	config, err := built.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Architecture, config.OS = runtime.GOARCH, "linux"
	config.Config = i.Config
	if len(config.Config.Env) == 0 {
		config.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	}
	return mutate.ConfigFile(built, config)
}

// Digest covers the bytes of every file, since some of them are built anew each time.
func (i Image) Digest() (string, error) {
	hash := sha256.New()
	head := i
	head.Files = nil
	if err := json.NewEncoder(hash).Encode(head); err != nil {
		return "", err
	}
	for _, f := range i.Files {
		fmt.Fprintln(hash, f.Path, f.Link, f.Mode, f.UID, len(f.Content))
		_, _ = hash.Write(f.Content) // a hash never fails
		if f.Source == "" {
			continue
		}
		if err := copyFile(hash, f.Source); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:16], nil
}

func copyFile(to io.Writer, source string) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(to, file)
	return err
}
