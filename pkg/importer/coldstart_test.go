package importer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// TestColdStartsComeBack: windows that were computed, and the Pod Identity Agent of a cluster of IPv6, render to the same files again.
func TestColdStartsComeBack(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"measured":        "scaling: {coldStart: 12m}, replicas: {min: 1, max: 3}",
		"estimated":       "scaling: {coldStart: auto}, replicas: {min: 1, max: 3}",
		"for hours":       "scaling: {coldStart: 2h}, replicas: {min: 1, max: 3}",
		"by KEDA":         "scaling: {type: keda, coldStart: auto}, replicas: {min: 0, max: 3}, expose: {hosts: [a.example.com], gateway: istio-ingress/llm}",
		"in a new family": "platform: {eks: {ipFamily: ipv6}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployments, err := spec.Load("d.yaml", strings.NewReader("apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: m, namespace: llm}\nspec: {"+
				"model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: \"s3://models/a\"}, accelerator: {type: a10g}, "+lines+"}\n"))
			require.NoError(t, err)
			out := t.TempDir()
			tree, err := render.NewGenerator().Tree(deployments[0])
			require.NoError(t, err)
			writeTree(t, tree, out)
			comesBack(t, filepath.Join(out, "m", "overlays", "default"), filepath.Join(out, "m"))
		})
	}
}
