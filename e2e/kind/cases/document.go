package cases

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"sigs.k8s.io/yaml"
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

// render renders a document as a user does, and returns the folder of the trees.
func (e *Env) render(ctx context.Context, d document) (string, error) {
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
	cmd := exec.CommandContext(ctx, e.Kservegen, "render", "-f", path, "-o", out)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, said)
	}
	return out, nil
}
