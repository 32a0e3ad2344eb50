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

// others are trees that the modules carry whose schemas validate has; KServe's own are judged beside pkg/validate.
func others() map[string][]string {
	return map[string][]string{
		"sigs.k8s.io/gateway-api":                            {"examples", "config"},
		"sigs.k8s.io/gateway-api-inference-extension":        {"config"},
		"sigs.k8s.io/lws":                                    {"config", "docs"},
		"github.com/kedacore/keda/v2":                        {"config"},
		"github.com/prometheus-operator/prometheus-operator": {"example"},
		"github.com/aws/karpenter-provider-aws":              {"examples"},
		"github.com/fluxcd/kustomize-controller":             {"config"},
		"github.com/fluxcd/source-controller":                {"config"},
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
	for module, directories := range others() {
		t.Run(module, func(t *testing.T) {
			require.Contains(t, tags, module)
			dir, err := cluster.ModuleDir(t.Context(), folder, module+"@"+tags[module])
			require.NoError(t, err)
			r := otherstest.Compare(t, filepath.Join("testdata/others", filepath.Base(filepath.Dir(module+"/"))+".txt"), dir, directories...)
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
