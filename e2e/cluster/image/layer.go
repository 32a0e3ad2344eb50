package image

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// layer writes the layer of files: the same bytes for the same files. Every folder above a file is written,
// since engines differ in the permissions of those that they make up, unless the base has it: there an entry
// would replace a link such as /bin, or the permissions of /tmp.
func (i Image) layer(out io.Writer) error {
	present, err := entries(i.Base)
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	for _, f := range i.Files {
		if err := parents(w, f.Path, present); err != nil {
			return err
		}
		if err := f.write(w); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		present[f.Path] = true
	}
	return w.Close()
}

func parents(w *tar.Writer, name string, present map[string]bool) error {
	dir := path.Dir(name)
	if dir == "/" || present[dir] {
		return nil
	}
	if err := parents(w, dir, present); err != nil {
		return err
	}
	present[dir] = true
	return Dir(dir, 0o755, 0).write(w)
}

func (f File) write(w *tar.Writer) error {
	header := &tar.Header{
		Name: strings.TrimPrefix(f.Path, "/"), Mode: int64(permissions(f.Mode)), Uid: f.UID, Gid: f.UID,
		ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Size: int64(len(f.Content)),
	}
	switch {
	case f.Mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
	case f.Link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.Link, 0o777
	case f.Source != "":
		info, err := os.Stat(f.Source)
		if err != nil {
			return err
		}
		header.Size = info.Size()
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	if f.Source != "" {
		return copyFile(w, f.Source)
	}
	_, err := w.Write(f.Content)
	return err
}

// permissions are those of a tar header, with their defaults.
func permissions(mode fs.FileMode) fs.FileMode {
	bits := mode.Perm()
	switch {
	case bits == 0 && mode.IsDir():
		bits = 0o755
	case bits == 0:
		bits = 0o644
	}
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

// entries lists the paths in a tar, which may be packed by gzip.
func entries(archive string) (map[string]bool, error) {
	present := map[string]bool{}
	if archive == "" {
		return present, nil
	}
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var content io.Reader = file
	if filepath.Ext(archive) == ".gz" {
		if content, err = gzip.NewReader(file); err != nil {
			return nil, fmt.Errorf("reading %s: %w", archive, err)
		}
	}
	reader := tar.NewReader(content)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return present, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", archive, err)
		}
		present[path.Clean("/"+header.Name)] = true
	}
}
