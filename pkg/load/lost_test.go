package load_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
)

// TestLostFiles: what the lock lists and nothing builds is told at the kustomization that would have it, once for all
// overlays; what custom/ removes is not.
func TestLostFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, line, by string
		want           map[string]string
	}{
		"an object of the base": {
			"base/kustomization.yaml", "- peerauthentication.yaml\n", "",
			map[string]string{"base/peerauthentication.yaml": "base/kustomization.yaml /resources"},
		},
		"an object of an overlay": {
			"overlays/production/kustomization.yaml", "- poddisruptionbudget-v2.yaml\n", "",
			map[string]string{"overlays/production/poddisruptionbudget-v2.yaml": "overlays/production/kustomization.yaml /resources"},
		},
		"all patches": {
			"overlays/dev/kustomization.yaml", "- patches\n", "",
			map[string]string{"overlays/dev/patches/kustomization.yaml": "overlays/dev/kustomization.yaml /components"},
		},
		"another name": {
			"base/kustomization.yaml", "- sidecar.yaml\n", "- ./sidecar.yaml\n", nil,
		},
		"removed in custom": {
			"overlays/dev/custom/kustomization.yaml", "patches: []", "patches:\n- patch: |-\n    $patch: delete\n    apiVersion: policy/v1\n    kind: PodDisruptionBudget\n    metadata: {name: deepseek-r1-v1, namespace: llm}\n", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "deepseek-r1")
			require.NoError(t, os.CopyFS(dir, os.DirFS("../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1")))
			path := filepath.Join(dir, c.file)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(content), c.line)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(content), c.line, c.by, 1)), 0o600))
			_, findings, err := load.Load(t.Context(), []string{dir}, load.Options{})
			require.NoError(t, err)
			got := map[string]string{}
			for _, f := range findings {
				require.Equal(t, load.CodeLost, f.Code, f.Message)
				assert.Equal(t, finding.Warning, f.Level)
				assert.Positive(t, f.Line)
				at, err := filepath.Rel(dir, f.File)
				require.NoError(t, err)
				_, lost, _ := strings.Cut(f.Message, " lists ")
				lost, _, _ = strings.Cut(lost, ",")
				got[lost] = at + " " + f.Path
			}
			assert.Len(t, findings, len(c.want))
			if c.want != nil {
				assert.Equal(t, c.want, got)
			}
		})
	}
}

// TestLostFilesFromWithin: the path may be the overlay itself.
func TestLostFilesFromWithin(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1")))
	path := filepath.Join(dir, "base", "kustomization.yaml")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(content), "- sidecar.yaml\n", "", 1)), 0o600))
	t.Chdir(filepath.Join(dir, "overlays", "production"))
	_, findings, err := load.Load(t.Context(), []string{"."}, load.Options{})
	require.NoError(t, err)
	require.Len(t, findings, 1)
	assert.Equal(t, load.CodeLost, findings[0].Code)
}
