package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// readResources reads whatever a path names. A ModelDeployment is rendered for an environment first.
func readResources(in io.Reader, paths []string, env string) ([]manifest.Resource, error) {
	var (
		resources []manifest.Resource
		problems  manifest.Problems
	)
	for _, path := range paths {
		read, err := readPath(in, path, env)
		var found manifest.Problems
		if err != nil && !errors.As(err, &found) {
			return nil, err
		}
		problems = append(problems, found...)
		resources = append(resources, read...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return resources, nil
}

func readPath(in io.Reader, path, env string) ([]manifest.Resource, error) {
	if path == "-" {
		return readStream("stdin", in, env)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, usageError{err}
	}
	if !info.IsDir() {
		return readFile(path, env)
	}
	if isKustomization(path) {
		objects, buildErr := render.BuildObjects(filesys.MakeFsOnDisk(), path)
		if buildErr != nil {
			return nil, usageError{buildErr}
		}
		return resourcesOf(path, objects), nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, usageError{err}
	}
	var resources []manifest.Resource
	for _, entry := range entries {
		if extension := filepath.Ext(entry.Name()); entry.IsDir() || extension != ".yaml" && extension != ".yml" {
			continue
		}
		read, err := readFile(filepath.Join(path, entry.Name()), env)
		if err != nil {
			return nil, err
		}
		resources = append(resources, read...)
	}
	return resources, nil
}

func readFile(path, env string) ([]manifest.Resource, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{err}
	}
	defer file.Close()
	return readStream(path, file, env)
}

func readStream(name string, in io.Reader, env string) ([]manifest.Resource, error) {
	text, err := io.ReadAll(io.LimitReader(in, manifest.DefaultLimits().Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	documents, err := manifest.Read(name, strings.NewReader(string(text)), manifest.Limits{})
	if err != nil {
		return nil, err
	}
	var resources []manifest.Resource
	for _, document := range documents {
		data, err := yaml.NewRNode(document.Node).Map()
		if err != nil {
			return nil, usagef("%s: %w", name, err)
		}
		resource := manifest.Resource{Data: wholeNumbers(data).(map[string]any), File: name, Node: document.Node}
		if resource.APIVersion() == spec.APIVersion {
			return readDeployment(name, string(text), env)
		}
		resources = append(resources, resource)
	}
	return resources, nil
}

// readDeployment renders one environment of every document of a stream.
func readDeployment(name, text, env string) ([]manifest.Resource, error) {
	deployments, err := spec.Load(name, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var resources []manifest.Resource
	generator := render.NewGenerator()
	for _, deployment := range deployments {
		tree, err := generator.Tree(deployment)
		if err != nil {
			return nil, err
		}
		known := map[string]bool{}
		for _, environment := range tree.Environments {
			known[environment.Name] = true
			if environment.Name == env || env == "" && len(tree.Environments) == 1 {
				resources = append(resources, resourcesOf(name, environment.Objects)...)
			}
		}
		if len(resources) == 0 {
			return nil, usagef("%s: which environment? --env is one of %s", name, strings.Join(sortedKeys(known), ", "))
		}
	}
	return resources, nil
}

func resourcesOf(file string, objects []map[string]any) []manifest.Resource {
	resources := make([]manifest.Resource, 0, len(objects))
	for _, object := range objects {
		resources = append(resources, manifest.Resource{Data: wholeNumbers(object).(map[string]any), File: file})
	}
	return resources
}

// wholeNumbers makes every int an int64, in place.
func wholeNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = wholeNumbers(v[name])
		}
	case []any:
		for i := range v {
			v[i] = wholeNumbers(v[i])
		}
	case int:
		return int64(v)
	}
	return v
}
