package tree_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

const (
	example = "../../../overlays/deepseek-r1-distill-llama-8b-a10g"
	v1, v2  = "deepseek-r1-v1-predictor.llm.svc.cluster.local", "deepseek-r1-v2-predictor.llm.svc.cluster.local"
)

func read(t *testing.T) *tree.Tree {
	t.Helper()
	found, err := tree.Read(filepath.Join(example, "deepseek-r1", "overlays", "production"))
	require.NoError(t, err)
	return found
}

// Kustomize's library must not run twice at a time, so that no test here is parallel.
func TestNeeds(t *testing.T) {
	found := read(t)
	assert.Equal(t, "deepseek-r1", found.Model())
	assert.Equal(t, "deepseek.example.com", found.Host())
	assert.Equal(t, tree.Shares{v1: 90, v2: 10}, found.Shares())
	needs := found.Needs()
	assert.Equal(t, []string{"vllm/vllm-openai:v0.33.0"}, needs.Images)
	assert.Equal(t, "nvidia.com/gpu", needs.Device)
	assert.Equal(t, 4, needs.Devices)
	assert.Equal(t, map[string]string{"nvidia.com/gpu.product": "NVIDIA-A10G"}, needs.Labels)
	assert.Equal(t, []corev1.Taint{{Key: "nvidia.com/gpu", Effect: corev1.TaintEffectNoSchedule}}, needs.Taints)
	assert.Equal(t, []string{"istio-ingress/llm"}, needs.Gateways)
	assert.Equal(t, []string{"chat/chat-ui"}, needs.Callers)
	assert.Equal(t, []string{"chat", "istio-ingress", "llm"}, needs.Namespaces)
}

// TestShift edits the tree by hand and has kservegen render the document with the same weights: the same bytes,
// of one file.
func TestShift(t *testing.T) {
	for _, weights := range [][2]string{{"50", "50"}, {"0", "100"}, {"100", "0"}, {"73", "27"}} {
		t.Run(weights[0]+"-"+weights[1], func(t *testing.T) {
			edited := t.TempDir()
			copied, err := read(t).Copy(edited)
			require.NoError(t, err)
			changed, err := copied.Shift(tree.Shares{v1: number(weights[0]), v2: number(weights[1])})
			require.NoError(t, err)
			assert.Len(t, changed, 8, "two weights and two buckets")
			rendered := t.TempDir()
			render(t, rendered, weights)
			assert.Equal(t, files(t, filepath.Join(rendered, "deepseek-r1")), files(t, edited))
			assert.Equal(t, []string{"overlays/production/patches/traffic.yaml"}, differing(t, edited))
		})
	}
}

func number(text string) int {
	n := 0
	for _, digit := range text {
		n = n*10 + int(digit-'0')
	}
	return n
}

// render writes the document with other weights, which the environment production inherits.
func render(t *testing.T, out string, weights [2]string) {
	t.Helper()
	document, err := os.ReadFile(filepath.Join(example, "document.yaml"))
	require.NoError(t, err)
	changed := strings.Replace(string(document), "{revision: v1, weight: 90}", "{revision: v1, weight: "+weights[0]+"}", 1)
	changed = strings.Replace(changed, "{revision: v2, weight: 10,", "{revision: v2, weight: "+weights[1]+",", 1)
	path := filepath.Join(t.TempDir(), "document.yaml")
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
	cmd := exec.Command("go", "run", "./cmd/kservegen", "render", "-f", path, "-o", out)
	cmd.Dir = "../../.."
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		relative, _ := filepath.Rel(dir, path) // both are ours
		// What the document says beside a number is not a person's to keep up.
		for line := range bytes.Lines(content) {
			text, _, _ := bytes.Cut(line, []byte(" # "))
			found[relative] += string(bytes.TrimRight(text, "\n")) + "\n"
		}
		return err
	}))
	return found
}

// differing are the files of the copy that are not as in the example.
func differing(t *testing.T, copied string) []string {
	t.Helper()
	was := files(t, filepath.Join(example, "deepseek-r1"))
	var changed []string
	for name, content := range files(t, copied) {
		if was[name] != content {
			changed = append(changed, name)
		}
	}
	return changed
}

// TestCustomize changes a copy by its component custom/, and Without tells what the copy then lacks.
func TestCustomize(t *testing.T) {
	copied, err := read(t).Copy(t.TempDir())
	require.NoError(t, err)
	changed, err := copied.Customize("InferenceService", `[{"op": "replace", "path": "/spec/predictor/terminationGracePeriodSeconds", "value": 1}]`)
	require.NoError(t, err)
	require.Len(t, changed.Services, 2)
	for _, service := range changed.Services {
		assert.EqualValues(t, 1, *service.Spec.Predictor.TerminationGracePeriodSeconds)
	}
	assert.Empty(t, read(t).Without(changed))
	changed, err = changed.Customize("PodDisruptionBudget", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: any}, $patch: delete}`)
	require.NoError(t, err)
	var kinds []any
	for _, object := range read(t).Without(changed) {
		kinds = append(kinds, object["kind"])
	}
	assert.Equal(t, []any{"PodDisruptionBudget", "PodDisruptionBudget"}, kinds)
}
