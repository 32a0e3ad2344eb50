// Package trees finds what this repository asks people to apply, built by Kustomize.
package trees

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Tree is one thing that a person applies.
type Tree struct {
	// Name is its folder, relative to the repository; of a rendered document, the document and the overlay.
	Name string
	// Objects are in the order of the build.
	Objects []*unstructured.Unstructured
}

// Find builds every overlay of the reference trees, every runtime of the catalogue, every example, and the
// overlays that the documents of e2e/clients/testdata render to. The root is the repository.
func Find(root string) ([]Tree, error) {
	found, err := built(root, "overlays/*/*/overlays/*", "runtimes/*", "runtimes/cluster/*", "examples/*", "examples/*/*/overlays/*")
	if err != nil {
		return nil, err
	}
	documents, err := filepath.Glob(filepath.Join(root, "e2e", "clients", "testdata", "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, document := range documents {
		rendered, err := fromDocument(document)
		if err != nil {
			return nil, err
		}
		found = append(found, rendered...)
	}
	return found, nil
}

// Synced builds what makes Flux and Argo CD pull trees, of the golden files of pkg/render.
func Synced(root string) ([]Tree, error) { return built(root, "pkg/render/testdata/gitops/*/*/*") }

// built builds the kustomizations of the folders that patterns match.
func built(root string, patterns ...string) ([]Tree, error) {
	var found []Tree
	for _, pattern := range patterns {
		folders, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern), "kustomization.yaml"))
		if err != nil {
			return nil, err
		}
		for _, file := range folders {
			folder := filepath.Dir(file)
			name, err := filepath.Rel(root, folder)
			if err != nil {
				return nil, err
			}
			tree, err := build(filesys.MakeFsOnDisk(), folder, filepath.ToSlash(name))
			if err != nil {
				return nil, err
			}
			found = append(found, tree)
		}
	}
	return found, nil
}

// fromDocument renders in memory: the overlays of each deployment, and of what they share.
func fromDocument(document string) ([]Tree, error) {
	file, err := os.Open(document)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	deployments, err := spec.Load(document, file)
	if err != nil {
		return nil, err
	}
	generator := render.NewGenerator()
	shared, err := generator.Shared(deployments)
	if err != nil {
		return nil, err
	}
	var rendered []*render.Tree
	if shared != nil {
		rendered = append(rendered, shared)
	}
	for _, deployment := range deployments {
		tree, err := generator.Tree(deployment)
		if err != nil {
			return nil, err
		}
		rendered = append(rendered, tree)
	}
	var found []Tree
	for _, tree := range rendered {
		overlays, err := buildRendered(tree, filepath.Base(document))
		if err != nil {
			return nil, err
		}
		found = append(found, overlays...)
	}
	return found, nil
}

func buildRendered(tree *render.Tree, document string) ([]Tree, error) {
	files := filesys.MakeFsInMemory()
	var overlays []string
	for _, file := range tree.Files {
		if err := files.WriteFile(path.Join("/", tree.Name, file.Path), file.Data); err != nil {
			return nil, err
		}
		if ok, err := path.Match("overlays/*/kustomization.yaml", file.Path); err != nil {
			return nil, err
		} else if ok {
			overlays = append(overlays, path.Dir(file.Path))
		}
	}
	slices.Sort(overlays)
	var found []Tree
	for _, overlay := range overlays {
		built, err := build(files, path.Join("/", tree.Name, overlay), path.Join(document, tree.Name, overlay))
		if err != nil {
			return nil, err
		}
		found = append(found, built)
	}
	return found, nil
}

func build(files filesys.FileSystem, folder, name string) (Tree, error) {
	built, err := render.BuildObjects(files, folder)
	if err != nil {
		return Tree{}, err
	}
	tree := Tree{Name: name}
	for _, fields := range built {
		object, err := normal(fields)
		if err != nil {
			return Tree{}, fmt.Errorf("building %s: %w", name, err)
		}
		tree.Objects = append(tree.Objects, object)
	}
	if len(tree.Objects) == 0 {
		return Tree{}, fmt.Errorf("building %s: %w: it holds no object", name, fs.ErrNotExist)
	}
	return tree, nil
}

// normal has numbers of the types that answers of the API server have.
func normal(fields map[string]any) (*unstructured.Unstructured, error) {
	content, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, utiljson.Unmarshal(content, &object.Object)
}

// Scopes says whether the objects of a kind live in namespaces.
type Scopes func(*unstructured.Unstructured) (namespaced bool)

// Apart returns the tree with a suffix at the name of every namespace, and of Karpenter's objects, which are in none, so that
// trees that use the same one do not meet, and the namespaces that it needs. Texts in the objects, as host names, stay as they are.
func (t Tree) Apart(suffix string, namespaced Scopes) (Tree, []string) {
	apart := Tree{Name: t.Name}
	needed := map[string]bool{}
	for _, original := range t.Objects {
		object := original.DeepCopy()
		switch {
		case object.GetKind() == "Namespace", strings.HasPrefix(object.GetAPIVersion(), "karpenter."):
			object.SetName(object.GetName() + suffix)
		case namespaced(object):
			namespace := object.GetNamespace()
			if namespace == "" {
				namespace = "default"
			}
			object.SetNamespace(namespace + suffix)
			needed[namespace+suffix] = true
		}
		apart.Objects = append(apart.Objects, object)
	}
	names := make([]string, 0, len(needed))
	for name := range needed {
		names = append(names, name)
	}
	slices.Sort(names)
	return apart, names
}
