package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"sigs.k8s.io/yaml"
)

// release is one entry of sources.yaml.
type release struct {
	Product string   `json:"product"`
	Version string   `json:"version"`
	Module  string   `json:"module"`
	Tag     string   `json:"tag"`
	Sum     string   `json:"sum"`
	CRDs    []string `json:"crds"`
	OpenAPI []string `json:"openapi"`
}

func readSources(path string) ([]release, error) {
	var releases []release
	return releases, readYAML(path, &releases)
}

func readYAML(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// download has the go command fetch the module's zip and returns where its files are. The zip is checked
// against sources.yaml, since a module that nothing imports is in no go.sum.
func download(ctx context.Context, r release) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", r.Module+"@"+r.Tag)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	runErr := cmd.Run()
	var info struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(stdout.Bytes(), &info); err != nil {
		return "", fmt.Errorf("go mod download %s@%s: %w", r.Module, r.Tag, runErr)
	}
	if info.Error != "" {
		return "", fmt.Errorf("go mod download %s@%s: %s", r.Module, r.Tag, info.Error)
	}
	if info.Sum != r.Sum {
		return "", fmt.Errorf("%s@%s has the checksum %s; sources.yaml says %q", r.Module, r.Tag, info.Sum, r.Sum)
	}
	return info.Dir, nil
}
