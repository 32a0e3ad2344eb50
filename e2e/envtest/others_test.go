package envtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/envtest/cluster"
	"github.com/kservegen/kservegen/pkg/validate/otherstest"
)

// other is what a module brings besides code; name is that of its list.
type other struct {
	name, module string
	directories  []string
}

// others are trees of the modules whose schemas validate has; KServe's own are judged beside pkg/validate.
func others() []other {
	return []other{
		{"gateway-api", "sigs.k8s.io/gateway-api", []string{"examples", "config"}},
		{"inference-extension", "sigs.k8s.io/gateway-api-inference-extension", []string{"config"}},
		{"leaderworkerset", "sigs.k8s.io/lws", []string{"config", "docs"}},
		{"keda", "github.com/kedacore/keda/v2", []string{"config"}},
		{"prometheus-operator", "github.com/prometheus-operator/prometheus-operator", []string{"example"}},
		{"karpenter", "github.com/aws/karpenter-provider-aws", []string{"examples"}},
		{"kustomize-controller", "github.com/fluxcd/kustomize-controller", []string{"config"}},
		{"source-controller", "github.com/fluxcd/source-controller", []string{"config"}},
	}
}

// TestIstiosSamples judges the samples of the release that the suite runs, by all of validate.
func TestIstiosSamples(t *testing.T) {
	t.Parallel()
	dir, err := cluster.ModuleDir(t.Context(), filepath.Join("..", "tools", "istio"), "istio.io/istio")
	require.NoError(t, err)
	r := otherstest.Compare(t, "testdata/others/istio.txt", dir, "samples")
	assert.GreaterOrEqual(t, r.Objects(), 350)
	t.Log(r.Summary())
}

// TestOthersTrees judges what other products bring besides code.
func TestOthersTrees(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "tools", "schemas")
	tags := newest(t, filepath.Join(folder, "sources.yaml"))
	for _, o := range others() {
		t.Run(o.name, func(t *testing.T) {
			require.Contains(t, tags, o.module)
			dir, err := cluster.ModuleDir(t.Context(), folder, o.module+"@"+tags[o.module])
			require.NoError(t, err)
			r := otherstest.Compare(t, "testdata/others/"+o.name+".txt", dir, o.directories...)
			assert.Positive(t, r.Objects())
			t.Log(r.Summary())
		})
	}
}

// newest are the tags of the modules that the schemas are made of, the first of each.
func newest(t *testing.T, sources string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(sources)
	require.NoError(t, err)
	var list []struct{ Module, Tag string }
	require.NoError(t, yaml.Unmarshal(data, &list))
	tags := map[string]string{}
	for _, source := range list {
		if tags[source.Module] == "" {
			tags[source.Module] = source.Tag
		}
	}
	return tags
}
