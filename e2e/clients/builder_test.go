package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	flux "github.com/fluxcd/pkg/kustomize"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// builder turns an overlay into the bytes that would be applied.
type builder struct {
	name  string
	build func(context.Context, location) ([]byte, error)
}

// builders are those that users have; the first is the one that the others are measured by.
func builders(t *testing.T) []builder {
	t.Helper()
	kustomize := kustomizeCLI(t)
	all := []builder{
		{"kustomize", func(ctx context.Context, l location) ([]byte, error) {
			return output(ctx, kustomize, "build", l.dir())
		}},
		{"flux", func(ctx context.Context, l location) ([]byte, error) { return fluxBuild(ctx, l, nil) }},
		{"flux with postBuild", func(ctx context.Context, l location) ([]byte, error) {
			return fluxBuild(ctx, l, map[string]any{"substitute": map[string]any{"unused": "value"}})
		}},
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Log("NOT TESTED: kubectl kustomize, since there is no kubectl on PATH")
		return all
	}
	return append(all, builder{"kubectl", func(ctx context.Context, l location) ([]byte, error) {
		return output(ctx, kubectl, "kustomize", l.dir())
	}})
}

// kustomizeCLI is the command of the version in go.mod, which go builds once and keeps in its cache.
func kustomizeCLI(t *testing.T) string {
	t.Helper()
	path, err := output(t.Context(), "go", "tool", "-n", "sigs.k8s.io/kustomize/kustomize/v5")
	require.NoError(t, err)
	return strings.TrimSpace(string(path))
}

// fluxBuild does what kustomize-controller does to the source's artifact: generate, build, substitute.
// Its generator rewrites the kustomization, so it gets a copy of the tree.
func fluxBuild(ctx context.Context, l location, postBuild map[string]any) (built []byte, err error) {
	artifact, err := os.MkdirTemp("", "artifact-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(artifact)) }()
	if l, err = copyTree(l, artifact); err != nil {
		return nil, err
	}
	spec := map[string]any{"path": l.path, "prune": true, "interval": "10m"}
	if postBuild != nil {
		spec["postBuild"] = postBuild
	}
	kustomization := unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	if _, err := flux.NewGenerator(artifact, kustomization).WriteFile(l.dir()); err != nil {
		return nil, err
	}
	resources, err := flux.SecureBuild(artifact, l.dir(), false)
	if err != nil || postBuild == nil {
		return yamlOf(resources, err)
	}
	for _, resource := range resources.Resources() {
		substituted, err := flux.SubstituteVariables(ctx, nil, kustomization, resource, flux.SubstituteWithStrict(true))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", resource.CurId(), err)
		}
		if substituted == nil {
			continue // the object asks for no substitution
		}
		if _, err := resources.Replace(substituted); err != nil {
			return nil, err
		}
	}
	return yamlOf(resources, nil)
}

func yamlOf(resources interface{ AsYaml() ([]byte, error) }, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// output runs a program and returns what it prints. What it says on standard error, where kustomize warns
// of sortOptions, counts only when it fails.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	return stdout, nil
}
