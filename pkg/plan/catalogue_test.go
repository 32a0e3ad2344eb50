package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/plan"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// TestCatalogue: every model of the catalogue is read, and planned on every GPU that it can be split over.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	architectures, err := catalog.Architectures()
	require.NoError(t, err)
	for _, a := range architectures {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			m, findErr := plan.FindModel(a.Name)
			require.NoError(t, findErr)
			assert.InDelta(t, a.WeightsBytes, m.Weights.FileBytes, 0)
			answer, makeErr := plan.Make(m, sizing.Settings{GPU: sizing.GPU{Name: "h200", MemoryGiB: 139.8}, Version: sizing.Version{Minor: 33}, MaxModelLen: sizing.AutoModelLen})
			require.NoError(t, makeErr)
			assert.Positive(t, answer.KVBytesPerToken)
			assert.Positive(t, answer.WeightsGiB)
			told := slices.ContainsFunc(answer.Assumptions, func(text string) bool { return strings.Contains(text, "without a source") })
			assert.Equal(t, a.WeightsFrom == "unsourced", told, "%s", answer.Assumptions)
		})
	}
	_, err = plan.FindModel("nobody/nothing")
	require.ErrorContains(t, err, "no model")
}

func TestMachines(t *testing.T) {
	t.Parallel()
	list, err := catalog.EC2Instances()
	require.NoError(t, err)
	machines, err := plan.Machines(list)
	require.NoError(t, err)
	byName := map[string]sizing.Machine{}
	for _, m := range machines {
		byName[m.Name] = m
		assert.Positive(t, m.GPU.MemoryGiB, m.Name)
	}
	assert.Equal(t, int64(8), byName["p5.48xlarge"].Devices)
	assert.InDelta(t, 3350e9, byName["p5.48xlarge"].Speed.Bandwidth, 1e9)
	assert.NotContains(t, byName, "trn1.32xlarge", "the memory model is of GPUs")
}

// TestUnjudged: a device whose speed is unknown is left out where a limit is asked for, and named.
func TestUnjudged(t *testing.T) {
	t.Parallel()
	m, err := plan.FindModel("llama-3.1-8b")
	require.NoError(t, err)
	machines := []sizing.Machine{{Name: "mine", GPU: sizing.GPU{Name: "h100", MemoryGiB: 79.18, Vendor: "nvidia"}, Devices: 1}}
	s := sizing.Settings{Version: sizing.Version{Minor: 33}, MaxModelLen: sizing.AutoModelLen}
	free := plan.Choose(m, s, machines, "", sizing.Load{Input: 10})
	assert.Len(t, free.Choices, 1)
	assert.Empty(t, free.Unjudged)
	limited := plan.Choose(m, s, machines, "", sizing.Load{Input: 10, FirstToken: 10})
	assert.Empty(t, limited.Choices)
	assert.Equal(t, []string{"h100"}, limited.Unjudged)
	s.GPU = sizing.GPU{Name: "mine", MemoryGiB: 80}
	_, err = plan.ForLoad(m, s, sizing.Load{Input: 10})
	require.ErrorContains(t, err, `speed of GPU "mine"`)
}

// BenchmarkEverything plans all models of the catalogue on all its instance types.
func BenchmarkEverything(b *testing.B) {
	architectures, err := catalog.Architectures()
	if err != nil {
		b.Fatal(err)
	}
	list, err := catalog.EC2Instances()
	if err != nil {
		b.Fatal(err)
	}
	machines, err := plan.Machines(list)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, a := range architectures {
			m, err := plan.FindModel(a.Name)
			if err != nil {
				b.Fatal(err)
			}
			plan.Choose(m, sizing.Settings{Version: sizing.Version{Minor: 33}, MaxModelLen: sizing.AutoModelLen}, machines, "", sizing.Load{Input: 2000, Output: 500})
		}
	}
}
