package lint_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// keptFindings are those on KServe's own samples that stay, because they are right.
func keptFindings() map[string]string {
	const mode = "on a cluster as KServe ships it, it becomes a Knative Service, on one in Standard mode a Deployment"
	const latest = "the tag moves"
	return map[string]string{
		"multimodelserving/sklearn/inferenceservice.yaml KG0105": "the webhook refuses the name, in every release from 0.17 to 0.20",
		"rollout-strategy/rollout-strategy-example.yaml KG0508":  "the API server refuses the Deployment: \"0\" is no percentage",
		"fluid/fluid-isvc.yaml KG0207":                           mode,
		"fluid/kserve-isvc.yaml KG0207":                          mode,
		"storage/hf/hf_isvc.yaml KG0207":                         mode,
		"graph/switch.yaml KG0221":                               latest,
		"v1beta1/custom/custom_model/custom.yaml KG0221":         latest,
		"v1beta1/custom/prebuilt-image/custom.yaml KG0221":       latest,
		"v1beta1/custom/simple.yaml KG0221":                      latest,
	}
}

// TestKServesSamples judges each file of KServe's samples alone, as they stand in its module.
func TestKServesSamples(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/kserve/kserve").Output()
	require.NoError(t, err)
	samples := filepath.Join(strings.TrimSpace(string(out)), "docs", "samples")
	seen := map[string]bool{}
	require.NoError(t, filepath.WalkDir(samples, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		name, err := filepath.Rel(samples, path)
		require.NoError(t, err)
		// Helm templates stand among them.
		if _, err := manifest.Read(name, strings.NewReader(string(data)), manifest.Limits{}); err != nil {
			return nil
		}
		for _, found := range run(t, nil, readSet(t, name, data)) {
			if key := filepath.ToSlash(name) + " " + found.Code; found.Level >= finding.Warning {
				assert.Containsf(t, keptFindings(), key, "%s", lineOf(found))
				seen[key] = true
			}
		}
		return nil
	}))
	for key := range keptFindings() {
		assert.Truef(t, seen[key], "%s is not found any more", key)
	}
}
