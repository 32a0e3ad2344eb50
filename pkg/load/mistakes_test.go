package load_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/load"
)

func TestKustomizationMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, message string
		line, column  int
		fixed         string
	}{
		"a slip": {
			"kind: Kustomization\nresource: [web.yaml]\n", "resource is no field of a kustomization; did you mean resources?", 2, 1,
			"kind: Kustomization\nresources: [web.yaml]\n",
		},
		"both": {
			"resources: []\nresource: [web.yaml]\n", "resource is no field of a kustomization; did you mean resources?", 2, 1, "",
		},
		"a float": {
			"images:\n- name: web\n  newTag: 1.20\n", "newTag is 1.20 and takes text; quote it", 3, 11,
			"images:\n- name: web\n  newTag: \"1.20\"\n",
		},
		"a boolean of YAML 1.1": {
			"commonLabels:\n  debug: yes\n", "debug is yes and takes text; quote it", 2, 10, "commonLabels:\n  debug: \"yes\"\n",
		},
		"text for a list":  {"resources: web.yaml\n", "resources is web.yaml and takes a list", 1, 12, ""},
		"a list's item":    {"resources:\n- path: web.yaml\n", "resources is a mapping and takes text", 2, 3, ""},
		"text for a count": {"replicas:\n- name: web\n  count: many\n", "count is many and takes a whole number", 3, 10, ""},
		"deep":             {"patches:\n- path: p.yaml\n  target: {knd: Deployment}\n", "knd is no field of target; did you mean kind?", 3, 12, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "kustomization.yaml")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			_, findings := read(t, file)
			require.Len(t, findings, 1)
			f := findings[0]
			assert.Equal(t, load.CodeKustomization, f.Code)
			assert.Equal(t, c.message, f.Message)
			assert.Equal(t, []int{c.line, c.column}, []int{f.Line, f.Column})
			if c.fixed == "" {
				assert.Empty(t, f.Edit)
				return
			}
			out, made := lint.Apply([]byte(c.text), []finding.Edit{f.Edit})
			assert.Equal(t, 1, made)
			assert.Equal(t, c.fixed, string(out))
			assert.NoError(t, (&types.Kustomization{}).Unmarshal(out))
		})
	}
}
