package envtest

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/tools"
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
	module, err := tools.Download(t.Context(), toolsFolder(t, "istio"), "istio.io/istio")
	require.NoError(t, err)
	r := otherstest.Compare(t, "testdata/others/istio.txt", module.Dir, "samples")
	assert.GreaterOrEqual(t, r.Objects(), 350)
	t.Log(r.Summary())
}

// TestOthersTrees judges what other products bring besides code.
func TestOthersTrees(t *testing.T) {
	t.Parallel()
	folder := toolsFolder(t, "schemas")
	sources, err := tools.ReadSources(filepath.Join(folder, "sources.yaml"))
	require.NoError(t, err)
	for _, o := range others() {
		t.Run(o.name, func(t *testing.T) {
			newest := slices.IndexFunc(sources, func(s tools.Source) bool { return s.Module == o.module })
			require.GreaterOrEqual(t, newest, 0, o.module)
			module, err := sources[newest].Fetch(t.Context(), folder)
			require.NoError(t, err)
			r := otherstest.Compare(t, "testdata/others/"+o.name+".txt", module.Dir, o.directories...)
			assert.Positive(t, r.Objects())
			t.Log(r.Summary())
		})
	}
}

func toolsFolder(t *testing.T, name string) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "tools", name))
	require.NoError(t, err)
	return folder
}
