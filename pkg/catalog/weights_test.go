package catalog

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// within is how far a count may be from bytes that are known otherwise.
const within = 0.005

func TestWeights(t *testing.T) {
	t.Parallel()
	counted := 0
	for _, a := range architectures(t) {
		c := configOf(t, a)
		name, _ := c.list("architectures")[0].(string)
		counter, ok := counters()[name]
		if !ok || a.WeightsBytes == 0 {
			assert.NotEqual(t, "computed", a.WeightsFrom, "%s", a.Name)
			continue
		}
		counted++
		if a.WeightsFrom == "computed" {
			assert.EqualValues(t, a.WeightsBytes, counter(c).bytes, "%s", a.Name)
			continue
		}
		assert.InEpsilon(t, a.WeightsBytes, counter(c).bytes, within, "%s", a.Name)
	}
	assert.Greater(t, counted, fewest)
}

func TestWeightsAgreeWithPublished(t *testing.T) {
	t.Parallel()
	const scales = 1e-4 // one for each 128 x 128 elements, and little else
	data, err := os.ReadFile("testdata/weights.yaml")
	require.NoError(t, err)
	var published struct {
		GiB      map[string]float64 `json:"gib"`
		Elements map[string]int     `json:"elements"`
	}
	require.NoError(t, yaml.UnmarshalStrict(data, &published))
	require.NotEmpty(t, published.GiB)
	require.NotEmpty(t, published.Elements)
	for name, size := range published.GiB {
		assert.InEpsilon(t, size, float64(find(t, name).WeightsBytes)/gib, within, "%s", name)
	}
	for name, elements := range published.Elements {
		c := configOf(t, find(t, name))
		kind, _ := c.list("architectures")[0].(string)
		assert.InEpsilon(t, elements, counters()[kind](c).elements, scales, "%s", name)
	}
}

func find(t *testing.T, name string) Architecture {
	t.Helper()
	a, ok, err := FindArchitecture(name)
	require.NoError(t, err)
	require.True(t, ok, "%s", name)
	return a
}
