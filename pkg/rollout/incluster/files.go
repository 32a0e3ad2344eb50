package incluster

import (
	"bytes"

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
	data, err := object.Data(manifest.NewConverter())
	if err != nil {
		return nil, err
	}
	return manifest.MarshalCommented(data, object.Comments)
}
