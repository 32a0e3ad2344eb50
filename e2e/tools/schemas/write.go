package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// entry is one line of the index: a kind in a release, where it comes from, and where its data is.
type entry struct {
	Product      string   `json:"product"`
	Release      string   `json:"release"`
	Group        string   `json:"group"`
	Kind         string   `json:"kind"`
	Versions     []string `json:"versions"` // those that are served
	Namespaced   bool     `json:"namespaced"`
	Module       string   `json:"module"`
	Tag          string   `json:"tag"`
	Source       string   `json:"source"`
	SourceSHA256 string   `json:"sourceSHA256"`
	Data         string   `json:"data"`
	DataSHA256   string   `json:"dataSHA256"`
}

// writer collects files and writes them at the end: a failure leaves the old data.
type writer struct {
	out   string
	files map[string][]byte
	index []entry
}

func newWriter(out string) *writer { return &writer{out: out, files: map[string][]byte{}} }

func (w *writer) add(r release, resource resource) error {
	data, err := encode(resource)
	if err != nil {
		return err
	}
	packed, err := pack(data)
	if err != nil {
		return err
	}
	name := resource.Plural + "." + resource.Group
	if resource.Native {
		name = resource.Plural + "." + resource.Group + "." + resource.Versions[0].Name
	}
	file := path.Join(r.Product, r.Version, name+".json.gz")
	if _, ok := w.files[file]; ok {
		return fmt.Errorf("%s is written twice", file)
	}
	w.files[file] = packed
	e := entry{
		Product: r.Product, Release: r.Version, Group: resource.Group, Kind: resource.Kind, Namespaced: resource.Namespaced,
		Module: r.Module, Tag: r.Tag, Source: resource.source.path, SourceSHA256: resource.source.sha256,
		Data: file, DataSHA256: sum(packed),
	}
	for _, v := range resource.Versions {
		if v.Served {
			e.Versions = append(e.Versions, v.Name)
		}
	}
	w.index = append(w.index, e)
	return nil
}

func (w *writer) finish() error {
	var index bytes.Buffer
	index.WriteString("[\n")
	for i, e := range w.index {
		line, err := encode(e)
		if err != nil {
			return err
		}
		index.Write(line) // one line each: a change is one line of a diff
		if i < len(w.index)-1 {
			index.WriteByte(',')
		}
		index.WriteByte('\n')
	}
	index.WriteString("]\n")
	w.files["index.json"] = index.Bytes()
	if err := os.RemoveAll(w.out); err != nil {
		return err
	}
	for name, data := range w.files {
		file := filepath.Join(w.out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pack compresses without time or name in the header, so that equal data gives equal bytes.
func pack(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}
