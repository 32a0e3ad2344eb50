// Package apitest is as much of an API server as the tests of a canary's runner need: objects that are read, listed by labels,
// created, replaced under a lock, and applied. It knows no schemas and one field manager; e2e/envtest has a real one.
package apitest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Server has objects by their path, such as /apis/apps/v1/namespaces/llm/deployments/d.
type Server struct {
	// Config is how it is reached.
	Config *rest.Config
	// Before may answer instead, by returning a status that is not 0.
	Before func(r *http.Request) int

	mu      sync.Mutex
	objects map[string]map[string]any
	version int
	writes  []string
}

// New starts a server, for the length of the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{objects: map[string]map[string]any{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.Config = &rest.Config{Host: server.URL, QPS: -1}
	return s
}

// Put stores an object, whatever was there.
func (s *Server) Put(path string, object map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store(path, object)
}

// PutYAML stores an object that is written as YAML.
func (s *Server) PutYAML(t *testing.T, path, text string) {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	s.Put(path, object)
}

// Remove removes an object.
func (s *Server) Remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, path)
}

// Get returns a copy of an object, nil where there is none.
func (s *Server) Get(path string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.objects[path])
}

// Writes lists what was written, by method and path.
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

func clone(object map[string]any) map[string]any {
	if object == nil {
		return nil
	}
	data, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	var copied map[string]any
	if err := json.Unmarshal(data, &copied); err != nil {
		panic(err)
	}
	return copied
}

func (s *Server) store(path string, object map[string]any) {
	s.version++
	object = clone(object)
	metadata, _ := object["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		object["metadata"] = metadata
	}
	metadata["name"] = path[strings.LastIndex(path, "/")+1:]
	metadata["resourceVersion"] = fmt.Sprint(s.version)
	if metadata["uid"] == nil {
		metadata["uid"] = fmt.Sprintf("uid-%d", s.version)
	}
	s.objects[path] = object
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Before != nil {
		if code := s.Before(r); code != 0 {
			answer(w, code, nil)
			return
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		answer(w, http.StatusBadRequest, nil)
		return
	}
	var sent map[string]any
	if len(body) > 0 && json.Unmarshal(body, &sent) != nil {
		answer(w, http.StatusBadRequest, nil)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code, object := s.handle(r, sent)
	answer(w, code, object)
}

func (s *Server) handle(r *http.Request, sent map[string]any) (int, map[string]any) {
	path := r.URL.Path
	if r.Method == http.MethodPost {
		metadata, _ := sent["metadata"].(map[string]any)
		path += "/" + fmt.Sprint(metadata["name"])
	}
	found := s.objects[path]
	if r.Method == http.MethodGet {
		return s.read(r, found)
	}
	metadata, _ := sent["metadata"].(map[string]any)
	switch {
	case r.Method == http.MethodPost && found != nil:
		return http.StatusConflict, nil
	case r.Method != http.MethodPost && found == nil:
		return http.StatusNotFound, nil
	case found != nil && metadata["resourceVersion"] != nil && metadata["resourceVersion"] != found["metadata"].(map[string]any)["resourceVersion"]:
		return http.StatusConflict, nil
	}
	if r.Method == http.MethodPatch {
		sent = merged(clone(found), sent)
	}
	s.writes = append(s.writes, r.Method+" "+path)
	s.store(path, sent)
	return http.StatusOK, s.objects[path]
}

// merged applies mappings into each other; a list is replaced, as an atomic one is.
func merged(into, from map[string]any) map[string]any {
	for key, value := range from {
		inner, ok := value.(map[string]any)
		old, was := into[key].(map[string]any)
		if ok && was {
			into[key] = merged(old, inner)
			continue
		}
		into[key] = value
	}
	return into
}

func (s *Server) read(r *http.Request, found map[string]any) (int, map[string]any) {
	if found != nil {
		return http.StatusOK, found
	}
	if named(r.URL.Path) {
		return http.StatusNotFound, nil
	}
	items := []any{}
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		if rest, ok := strings.CutPrefix(path, r.URL.Path+"/"); ok && !strings.Contains(rest, "/") && selected(s.objects[path], r.URL.Query().Get("labelSelector")) {
			items = append(items, s.objects[path])
		}
	}
	return http.StatusOK, map[string]any{"apiVersion": "v1", "kind": "List", "items": items}
}

// named tells the path of an object from that of all in a namespace.
func named(path string) bool {
	_, below, _ := strings.Cut(path, "/namespaces/")
	return strings.Count(below, "/") > 1
}

func selected(object map[string]any, selector string) bool {
	labels, _ := object["metadata"].(map[string]any)["labels"].(map[string]any)
	for _, want := range strings.Split(selector, ",") {
		key, value, _ := strings.Cut(want, "=")
		if want != "" && labels[key] != value {
			return false
		}
	}
	return true
}

func answer(w http.ResponseWriter, code int, object map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if object == nil {
		reason := map[int]string{http.StatusNotFound: "NotFound", http.StatusConflict: "Conflict", http.StatusForbidden: "Forbidden"}[code]
		object = map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": http.StatusText(code)}
	}
	_ = json.NewEncoder(w).Encode(object)
}
