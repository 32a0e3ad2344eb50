package cluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

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
