package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// Source is a module that carries the CRDs or the published OpenAPI of a release of a product: an entry of
// schemas/sources.yaml. (The generator beside that file has its own reader: it is a module that must build before
// what it generates is there.)
type Source struct {
	Product string `json:"product"`
	Version string `json:"version"`
	Module  string `json:"module"`
	Tag     string `json:"tag"`
	Sum     string `json:"sum"`
	// CRDs are patterns of files.
	CRDs []string `json:"crds"`
	// OpenAPI names files of the API server's own kinds.
	OpenAPI []string `json:"openapi"`
}

// ReadSources reads all of them; the first release of a product is the default.
func ReadSources(path string) ([]Source, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var sources []Source
	if err := yaml.UnmarshalStrict(content, &sources); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return sources, nil
}

// Fetch downloads the source's module, unless it is there, and wants the pinned sum. The folder is where the
// go command runs.
func (s Source) Fetch(ctx context.Context, folder string) (Module, error) {
	m, err := Download(ctx, folder, s.Module+"@"+s.Tag)
	if err == nil && m.Sum != s.Sum {
		err = fmt.Errorf("module %s@%s has the sum %s, not the pinned %s", s.Module, s.Tag, m.Sum, s.Sum)
	}
	return m, err
}

// Module is what `go mod download -json` says.
type Module struct {
	Dir     string
	Sum     string
	Version string
	Error   string
}

// Download fetches a module, unless it is there, and returns where its files are. The folder decides which
// go.mod answers for a module without a version.
func Download(ctx context.Context, folder, name string) (Module, error) {
	cmd := Command(ctx, "go", "mod", "download", "-json", name)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+folder)
	stdout, runErr := cmd.Output()
	var m Module
	if err := json.Unmarshal(stdout, &m); err != nil {
		return m, fmt.Errorf("downloading module %s: %w", name, errors.Join(runErr, err))
	}
	if m.Error != "" {
		return m, fmt.Errorf("downloading module %s: %s", name, m.Error)
	}
	return m, nil
}
