package kserve

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/runtimes"
)

// Builder makes KServe objects. It reads each runtime of the catalogue once. Not safe for concurrent use.
type Builder struct {
	templates map[string]*template
}

// NewBuilder returns a Builder over the embedded catalogue.
func NewBuilder() *Builder { return &Builder{templates: map[string]*template{}} }

// template is a runtime of the catalogue: what it says and why it says so.
type template struct {
	runtime *v1alpha1.ServingRuntime
	why     manifest.Comments
}

func (b *Builder) template(name string) (*template, error) {
	if entry, ok := b.templates[name]; ok {
		return entry, nil
	}
	data, err := runtimes.Get(name)
	if err != nil {
		return nil, err
	}
	file := "runtimes/" + name + "/servingruntime.yaml"
	runtime := &v1alpha1.ServingRuntime{}
	if err = yaml.UnmarshalStrict(data, runtime); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(runtime.Spec.Containers) != 1 || runtime.Spec.Containers[0].Name != Container {
		return nil, fmt.Errorf("reading %s: want one container named %s", file, Container)
	}
	documents, err := manifest.Read(file, bytes.NewReader(data), manifest.DefaultLimits())
	if err != nil {
		return nil, err
	}
	entry := &template{runtime, manifest.CommentsOf(documents[0].Node)}
	b.templates[name] = entry
	return entry, nil
}

// comments returns a copy of the catalogue's comments that the caller may change. What stands about the
// runtime's name and resources is about using it alone.
func (t *template) comments() manifest.Comments {
	comments := t.why.Clone()
	comments.Drop("/metadata")
	comments.Drop("/spec/containers/0/resources")
	return comments
}

// Pinned returns the image tag that the catalogue pins for a runtime.
func (b *Builder) Pinned(name string) (string, error) {
	entry, err := b.template(name)
	if err != nil {
		return "", err
	}
	image := entry.runtime.Spec.Containers[0].Image
	return image[strings.LastIndex(image, ":")+1:], nil
}
