package install

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os/exec"
)

//go:embed istio.yaml
var istioYAML []byte

// Istio installs istiod by its own installer. The program is istioctl, whose charts need no network.
func (i Installer) Istio(ctx context.Context, istioctl string) error {
	cmd := exec.CommandContext(ctx, istioctl, "manifest", "generate", "-f", "-", "--set", "hub="+Registry, "--set", "tag="+Tag)
	cmd.Stdin = bytes.NewReader(istioYAML)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	manifest, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	objects, err := parse(manifest)
	if err != nil {
		return err
	}
	if err := i.namespaces(ctx, "istio-system"); err != nil {
		return err
	}
	if err := i.inOrder(ctx, objects); err != nil {
		return err
	}
	return i.rollout(ctx, "istio-system", "deployment/istiod")
}
