package cases

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/spec"
)

func TestMirrorPolicy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		`{"cluster": "c", "runtime_fraction": {"default_value": {"numerator": 200000, "denominator": "MILLION"}}}`:    20,
		`{"cluster": "c", "runtime_fraction": {"default_value": {"numerator": 1250, "denominator": "TEN_THOUSAND"}}}`: 12.5,
		`{"cluster": "c", "runtime_fraction": {"default_value": {"numerator": 7}}}`:                                   7,
	} {
		var route envoyRoute
		require.NoError(t, json.Unmarshal([]byte(`{"route": {"request_mirror_policies": [`+text+`]}}`), &route))
		require.Len(t, route.Route.Mirrors, 1)
		assert.InDelta(t, want, route.Route.Mirrors[0].percent(), 1e-9)
	}
}

// TestShadowing: the document of the reference tree is valid with copies and with a first share, and testers stay.
func TestShadowing(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string]string{
		"deepseek-r1-distill-llama-8b-a10g": "production", "deepseek-r1-distill-llama-8b-gateway": "production", "deepseek-r1-distill-llama-8b-sticky": "staging",
	} {
		content, err := os.ReadFile("../../../overlays/" + name + "/document.yaml")
		require.NoError(t, err)
		d, err := readDocument(content)
		require.NoError(t, err)
		before, err := yaml.Marshal(d)
		require.NoError(t, err)
		for _, want := range [][2]int{{0, 20}, {5, 0}} {
			changed, err := d.shadowing(environment, "v1", "v2", want[0], want[1])
			require.NoError(t, err, name)
			text, err := yaml.Marshal(changed)
			require.NoError(t, err)
			target, was := in(t, text, environment), in(t, content, environment)
			for i, r := range target.Revisions {
				switch r.Name {
				case "v1":
					assert.Equal(t, []int{100 - want[0], 0}, []int{r.Weight, r.Mirror}, name)
				case "v2":
					assert.Equal(t, want[:], []int{r.Weight, r.Mirror}, name)
				}
				assert.Equal(t, was.Revisions[i].Testers, r.Testers, name)
			}
		}
		after, err := yaml.Marshal(d)
		require.NoError(t, err)
		assert.Equal(t, string(before), string(after), "the document itself stays")
		_, err = d.shadowing(environment, "v1", "v9", 0, 20)
		assert.True(t, isLacking(err))
	}
}

func in(t *testing.T, document []byte, environment string) spec.Target {
	t.Helper()
	documents, err := spec.Load("document.yaml", bytes.NewReader(document))
	require.NoError(t, err, string(document))
	for _, target := range documents[0].Environments {
		if target.Environment == environment {
			return target
		}
	}
	require.Fail(t, "no environment "+environment)
	return spec.Target{}
}

func TestFair(t *testing.T) {
	t.Parallel()
	require.NoError(t, fair(1000, 200, 20))
	require.NoError(t, fair(1000, 240, 20))
	for _, got := range []int{0, 130, 270, 1000} {
		assert.True(t, isViolated(fair(1000, got, 20)), got)
	}
	assert.True(t, isViolated(fair(0, 0, 20)), "nothing was measured")
}
