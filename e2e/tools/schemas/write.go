package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
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
	known []product
}

// product is a line of products.json: what the flags of the command line offer, which must not cost them the index.
type product struct {
	Name     string   `json:"name"`
	Releases []string `json:"releases"`
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
	w.know(r)
	return nil
}

// know lists a release of a product once, in the order of sources.yaml.
func (w *writer) know(r release) {
	at := slices.IndexFunc(w.known, func(p product) bool { return p.Name == r.Product })
	if at < 0 {
		at = len(w.known)
		w.known = append(w.known, product{Name: r.Product})
	}
	if !slices.Contains(w.known[at].Releases, r.Version) {
		w.known[at].Releases = append(w.known[at].Releases, r.Version)
	}
}

// lines is a JSON list with one line for each item, so that a change is one line of a diff.
func lines[T any](items []T) ([]byte, error) {
	var list bytes.Buffer
	list.WriteString("[\n")
	for i, item := range items {
		line, err := encode(item)
		if err != nil {
			return nil, err
		}
		list.Write(line)
		if i < len(items)-1 {
			list.WriteByte(',')
		}
		list.WriteByte('\n')
	}
	list.WriteString("]\n")
	return list.Bytes(), nil
}

func (w *writer) finish() (err error) {
	if w.files["index.json"], err = lines(w.index); err != nil {
		return err
	}
	if w.files["products.json"], err = lines(w.known); err != nil {
		return err
	}
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
