package incluster

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// File of a folder for Kustomize.
type File struct {
	Name string
	Data []byte
}

// Files are a folder for Kustomize: the kustomization, and each object in a file of its own in the order of the objects.
func Files(objects []manifest.Object) ([]File, error) {
	var (
		files []File
		names []any
	)
	for _, object := range objects {
		data, err := text(object)
		if err != nil {
			return nil, err
		}
		name := object.File + ".yaml"
		files, names = append(files, File{name, data}), append(names, name)
	}
	data, err := manifest.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"sortOptions": map[string]any{"order": "fifo"}, "resources": names,
	})
	return append([]File{{"kustomization.yaml", data}}, files...), err
}

// Stream is all objects in one text, for kubectl apply -f -.
func Stream(objects []manifest.Object) ([]byte, error) {
	var out bytes.Buffer
	for i, object := range objects {
		data, err := text(object)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(data)
	}
	return out.Bytes(), nil
}

func text(object manifest.Object) ([]byte, error) {
	data, err := data(object)
	if err != nil {
		return nil, err
	}
	return manifest.MarshalCommented(data, object.Comments)
}

// data is an object as data, without what its type writes and a file need not have.
func data(object manifest.Object) (map[string]any, error) {
	found, err := manifest.FromTyped(object.Typed)
	if err != nil {
		return nil, fmt.Errorf("converting %s: %w", object.File, err)
	}
	for _, pointer := range object.Absent {
		unset(found, strings.Split(strings.TrimPrefix(pointer, "/"), "/"))
	}
	return found, nil
}

// unset takes out an empty value; what is not there is no error, since not every release of the types writes it.
func unset(data map[string]any, path []string) {
	for _, key := range path[:len(path)-1] {
		data, _ = data[key].(map[string]any)
	}
	delete(data, path[len(path)-1])
}
