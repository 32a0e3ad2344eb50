package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"time"
)

// pages are the files by their path.
type pages map[string]page

// page is one file.
type page struct {
	kind, tag string
	data      []byte
}

// newPage takes the type from a table of our own: that of the machine may call JavaScript text/plain, which nosniff refuses.
func newPage(name string, data []byte) (page, error) {
	kind, known := map[string]string{
		".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(name)]
	if !known {
		return page{}, fmt.Errorf("%s: a file of the page has an extension without a known type", name)
	}
	sum := sha256.Sum256(data)
	return page{kind: kind, tag: `"` + hex.EncodeToString(sum[:8]) + `"`, data: data}, nil
}

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the page is only read", http.StatusMethodNotAllowed)
		return
	}
	file, found := p[r.URL.Path]
	if !found {
		http.Error(w, "there is no such page; the chat is at /", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Etag", file.tag)
	// Asked for again each time: after an upgrade of the program old and new modules must not meet.
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.data))
}
