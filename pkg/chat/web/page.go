package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// pages are the files by their path.
type pages map[string]page

// page is one file, as it is and packed by gzip. The files have no secret that the size of an answer could tell of.
type page struct {
	kind, tag    string
	data, packed []byte
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
	packed, err := pack(data)
	sum := sha256.Sum256(data)
	return page{kind: kind, tag: hex.EncodeToString(sum[:8]), data: data, packed: packed}, err
}

func pack(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
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
	data, tag := file.data, file.tag
	if takesGzip(r) {
		data, tag = file.packed, file.tag+"-gzip"
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Etag", `"`+tag+`"`)
	w.Header().Set("Vary", "Accept-Encoding")
	// Asked for again each time: after an upgrade of the program old and new modules must not meet.
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// takesGzip reads what browsers send; who says more (RFC 9110, 12.5.3) gets the file as it is.
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return true
		}
	}
	return false
}
