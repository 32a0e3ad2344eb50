package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// untyped are objects as they are applied, without the status that their types have.
func untyped(typed ...any) ([]map[string]any, error) {
	var objects []map[string]any
	for _, one := range typed {
		o, err := runtime.DefaultUnstructuredConverter.ToUnstructured(one)
		if err != nil {
			return nil, err
		}
		delete(o, "status")
		objects = append(objects, o)
	}
	return objects, nil
}

// editDeployment changes one of an installation's manifests.
func editDeployment(o map[string]any, edit func(*appsv1.Deployment)) error {
	var d appsv1.Deployment
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, &d); err != nil {
		return err
	}
	edit(&d)
	changed, err := untyped(&d)
	if err != nil {
		return err
	}
	maps.Copy(o, changed[0])
	return nil
}

// place has a Deployment of one container run an image that was loaded, beside the control plane: the workers are the
// models' alone.
func place(d *appsv1.Deployment, image string) *corev1.Container {
	pod := &d.Spec.Template.Spec
	pod.NodeSelector = map[string]string{controlPlane: ""}
	container := &pod.Containers[0]
	container.Image, container.ImagePullPolicy = image, corev1.PullIfNotPresent
	return container
}

// setFlags gives those of a container's flags that are there, as --name=value, other values.
func setFlags(container *corev1.Container, values map[string]string) {
	for n, arg := range container.Args {
		flag, _, _ := strings.Cut(arg, "=")
		if value, has := values[flag]; has {
			container.Args[n] = flag + "=" + value
		}
	}
}

// parseFiles reads the files of a folder that match a pattern.
func parseFiles(dir, pattern string) ([]map[string]any, error) {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		objects, err := parse(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, objects...)
	}
	return all, nil
}

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
		if err := i.established(ctx, definitions); err != nil {
			return err
		}
	}
	return i.Kubectl.Apply(ctx, others...)
}

// established waits until definitions are served. kubectl does not wait for conditions that are null yet, which a busy API
// server's are for a moment (".status.conditions accessor error"), so it is asked again.
func (i Installer) established(ctx context.Context, definitions []map[string]any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := []string{"wait", "--for=condition=Established", "--timeout=" + patience.String()}
	for _, d := range definitions {
		args = append(args, "crd/"+name(d))
	}
	for {
		_, err := i.Kubectl.Run(ctx, args...)
		if err == nil || !strings.Contains(err.Error(), "conditions accessor error") {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
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
