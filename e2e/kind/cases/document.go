package cases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// document is a ModelDeployment, to be changed.
type document struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       map[string]any `json:"spec"`
}

func readDocument(content []byte) (d document, err error) {
	return d, yaml.UnmarshalStrict(content, &d)
}

// clone is a document that shares nothing with this one.
func (d document) clone() document {
	return document{d.APIVersion, d.Kind, runtime.DeepCopyJSON(d.Metadata), runtime.DeepCopyJSON(d.Spec)}
}

// modelFolder is where the tree is, with its overlays and its lock.
func (e *Env) modelFolder() (string, error) {
	return filepath.Abs(filepath.Join(e.Tree.Dir, "..", ".."))
}

// model is the name of that folder, which render takes from the document; environment is that of the overlay's.
func (e *Env) model() (string, error) {
	folder, err := e.modelFolder()
	return filepath.Base(folder), err
}

func (e *Env) environment() string { return filepath.Base(e.Tree.Dir) }

// ownDocument reads the one that the tree was rendered of, which is beside its folder.
func (e *Env) ownDocument() (document, error) {
	folder, err := e.modelFolder()
	if err != nil {
		return document{}, err
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(folder), "document.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return document{}, lacks("no document.yaml beside %s to render", folder)
	}
	if err != nil {
		return document{}, err
	}
	return readDocument(content)
}

// render renders a document as a user does, with flags beside those that say where, and returns the folder of the trees.
func (e *Env) render(ctx context.Context, d document, flags ...string) (string, error) {
	content, err := yaml.Marshal(d)
	if err != nil {
		return "", err
	}
	dir := e.Temporary()
	path := filepath.Join(dir, "document.yaml")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", err
	}
	out := filepath.Join(dir, "deploy")
	cmd := exec.CommandContext(ctx, e.Kservegen, append([]string{"render", "-f", path, "-o", out}, flags...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, said)
	}
	return out, nil
}

// rendered is the overlay of the tree's environment that a document renders to.
func (e *Env) rendered(ctx context.Context, d document) (*tree.Tree, error) {
	model, err := e.model()
	if err != nil {
		return nil, err
	}
	out, err := e.render(ctx, d)
	if err != nil {
		return nil, err
	}
	return tree.Read(filepath.Join(out, model, "overlays", e.environment()))
}
