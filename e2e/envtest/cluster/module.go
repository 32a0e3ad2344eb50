package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// module is what `go mod download -json` says.
type module struct {
	Dir     string
	Sum     string
	Version string
	Error   string
}

// download fetches a module, unless it is there, and returns where its files are. The folder decides which
// go.mod answers for a module without a version.
func download(ctx context.Context, folder, name string) (module, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", name)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+folder)
	stdout, runErr := cmd.Output()
	var m module
	if err := json.Unmarshal(stdout, &m); err != nil {
		return m, fmt.Errorf("downloading module %s: %w", name, errors.Join(runErr, err))
	}
	if m.Error != "" {
		return m, fmt.Errorf("downloading module %s: %s", name, m.Error)
	}
	return m, nil
}

// ModuleDir fetches a module, unless it is there, and returns where its files are. The folder decides which go.mod
// answers for a module without a version.
func ModuleDir(ctx context.Context, folder, name string) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	m, err := download(ctx, folder, name)
	return m.Dir, err
}

// readObjects returns those objects of a YAML stream that are wanted. It is asked before the whole object is
// parsed, since KServe's manifest has 7 MB.
func readObjects(path string, wanted func(kind, name string) bool) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var objects []*unstructured.Unstructured
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		object, err := readObject(document)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		if object != nil && wanted(object.GetKind(), object.GetName()) {
			objects = append(objects, object)
		}
	}
}

// readObject is nil for a document of comments only.
func readObject(document []byte) (*unstructured.Unstructured, error) {
	content, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err = utiljson.Unmarshal(content, &object.Object); err != nil || len(object.Object) == 0 {
		return nil, err
	}
	return object, nil
}
