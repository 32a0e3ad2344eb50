package install

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// parse reads a YAML stream.
func parse(stream []byte) ([]map[string]any, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)
	var objects []map[string]any
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object) > 0 {
			objects = append(objects, object)
		}
	}
}

// inOrder applies definitions first, and everything else when they are served.
func (i Installer) inOrder(ctx context.Context, objects []map[string]any) error {
	var definitions, others []map[string]any
	for _, o := range objects {
		if o["kind"] == "CustomResourceDefinition" {
			definitions = append(definitions, o)
		} else {
			others = append(others, o)
		}
	}
	if len(definitions) > 0 {
		if err := i.Kubectl.Apply(ctx, definitions...); err != nil {
			return err
		}
		args := []string{"wait", "--for=condition=Established", "--timeout=" + patience.String()}
		for _, d := range definitions {
			args = append(args, "crd/"+name(d))
		}
		if _, err := i.Kubectl.Run(ctx, args...); err != nil {
			return err
		}
	}
	return i.Kubectl.Apply(ctx, others...)
}

func name(object map[string]any) string {
	meta, _ := object["metadata"].(map[string]any)
	text, _ := meta["name"].(string)
	return text
}

func group(object map[string]any) string {
	version, _ := object["apiVersion"].(string)
	g, _, found := strings.Cut(version, "/")
	if !found {
		return ""
	}
	return g
}
