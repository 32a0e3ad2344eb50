package sizing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/sizing"
)

func machines() []sizing.Machine {
	l4 := sizing.GPU{Name: "l4", MemoryGiB: 22.03, Vendor: "nvidia"}
	l4Speed := sizing.Speed{Bandwidth: 300e9, Operations16: 121e12, Operations8: 242e12}
	h100Speed := sizing.Speed{Bandwidth: 3350e9, Operations16: 989e12, Operations8: 1979e12}
	return []sizing.Machine{
		{Name: "p5.48xlarge", GPU: h100(), Devices: 8, Speed: h100Speed, PerHour: 55.04},
		{Name: "p5.4xlarge", GPU: h100(), Devices: 1, Speed: h100Speed, PerHour: 6.88},
		{Name: "g6.xlarge", GPU: l4, Devices: 1, Speed: l4Speed, PerHour: 0.8048},
		{Name: "g6.12xlarge", GPU: l4, Devices: 4, Speed: l4Speed, PerHour: 4.6016},
		{Name: "unpriced", GPU: h100(), Devices: 1, Speed: h100Speed},
		{Name: "unknown", GPU: h100(), Devices: 1, PerHour: 7},
	}
}

func names(choices []sizing.Choice) []string {
	var out []string
	for _, c := range choices {
		out = append(out, c.Machine.Name)
	}
	return out
}

func TestChoices(t *testing.T) {
	t.Parallel()
	s := sizing.Settings{Version: version(t, "0.33.0"), MaxModelLen: 8192}
	small := parse(t, `{`+llama+`}`)
	w := sizing.Weights{FileBytes: 16060522496}
	chat := sizing.Load{Input: 1000, Output: 200}

	all := sizing.Choices(small, w, s, machines(), chat)
	assert.Equal(t, []string{"g6.xlarge", "g6.12xlarge", "p5.4xlarge", "unknown", "p5.48xlarge", "unpriced"}, names(all))
	for _, c := range all {
		assert.True(t, c.Result.Fits)
		assert.Equal(t, c.Machine.Name != "unknown", c.Known)
		assert.LessOrEqual(t, c.TensorParallel*c.PipelineParallel*c.Replicas, c.Machine.Devices)
	}

	large := parse(t, `{"model_type": "deepseek_v3", `+deepseek+`}`)
	assert.Empty(t, sizing.Choices(large, sizing.Weights{FileBytes: 688574839360}, s, machines(), chat), "nothing here holds 641 GiB")

	chat.Requests = 100
	many := sizing.Choices(small, w, s, machines(), chat)
	assert.Equal(t, []string{"p5.4xlarge", "p5.48xlarge", "g6.12xlarge", "g6.xlarge", "unpriced"}, names(many), "a rate cannot be judged where the speed is unknown")
	assert.Equal(t, int64(7), many[0].Machines)

	chat.NextToken = 0.02 // 15 GiB at 300 GB a second take longer
	assert.NotContains(t, names(sizing.Choices(small, w, s, machines(), chat)), "g6.xlarge")
	chat.NextToken, chat.FirstToken = 0, 0.0001
	assert.Empty(t, sizing.Choices(small, w, s, machines(), chat))
	assert.NotContains(t, names(sizing.Choices(small, w, s, machines(), sizing.Load{Input: 30_000, Output: 20_000})), "g6.xlarge", "a sequence must fit")

	s.TensorParallel, s.PipelineParallel = 3, 1
	assert.Empty(t, sizing.Choices(small, w, s, machines(), sizing.Load{Input: 1}), "3 does not divide the heads")
	s.TensorParallel, s.PipelineParallel = 4, 2
	fixed := sizing.Choices(small, w, s, machines(), sizing.Load{Input: 1})
	assert.Equal(t, []string{"p5.48xlarge"}, names(fixed))
	assert.Equal(t, [2]int64{4, 2}, [2]int64{fixed[0].TensorParallel, fixed[0].PipelineParallel})
}

// TestCapacity: more load never needs fewer replicas, limits are kept where a number is given, and looser ones never
// need more.
func TestCapacity(t *testing.T) {
	t.Parallel()
	r := estimate(t, llama, 14.96, sizing.Settings{Version: version(t, "0.33.0"), GPU: h100()})
	a, speed := parse(t, `{`+llama+`}`), sizing.Speed{Bandwidth: 3350e9, Operations16: 989e12}
	capacity := func(l sizing.Load) sizing.Capacity {
		c, known := r.Capacity(a, speed, l)
		require.True(t, known)
		return c
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := sizing.Load{
			Requests: rapid.Float64Range(0, 500).Draw(rt, "requests"), Input: rapid.Float64Range(1, 16000).Draw(rt, "input"), Output: rapid.Float64Range(1, 4000).Draw(rt, "output"),
			FirstToken: rapid.Float64Range(0.05, 5).Draw(rt, "ttft"), NextToken: rapid.Float64Range(0.005, 0.2).Draw(rt, "itl"),
		}
		c := capacity(l)
		if c.Replicas > 0 {
			require.LessOrEqual(rt, c.FirstToken, l.FirstToken*1.000001)
			require.LessOrEqual(rt, c.NextToken, l.NextToken)
			require.LessOrEqual(rt, l.Requests, 0.8*c.Requests*c.Replicas*1.000001)
		}
		for _, more := range []func(*sizing.Load){
			func(l *sizing.Load) { l.Requests *= 1.5 }, func(l *sizing.Load) { l.Output *= 1.5 }, func(l *sizing.Load) { l.Input *= 1.5 },
		} {
			heavier := l
			more(&heavier)
			if h := capacity(heavier); h.Replicas > 0 {
				require.Positive(rt, c.Replicas)
				require.GreaterOrEqual(rt, h.Replicas, c.Replicas)
			}
		}
		if looser := capacity(sizing.Load{Requests: l.Requests, Input: l.Input, Output: l.Output, NextToken: l.NextToken}); c.Replicas > 0 {
			require.LessOrEqual(rt, looser.Replicas, c.Replicas)
		}
	})
	idle, loaded := capacity(sizing.Load{Requests: 0.1, Input: 2000, Output: 200}), capacity(sizing.Load{Requests: 1000, Input: 2000, Output: 200})
	assert.Less(t, idle.FirstToken, loaded.FirstToken, "an idle replica has no queue")
	queue := capacity(sizing.Load{Requests: 50, Input: 8000, Output: 10, FirstToken: 0.3, NextToken: 0.1})
	free := capacity(sizing.Load{Requests: 50, Input: 8000, Output: 10, NextToken: 0.1})
	assert.Greater(t, queue.Replicas, free.Replicas, "more replicas queue for less")
}

// TestRoofline: a small batch waits for memory, a large one for arithmetic, and nothing gets faster by more of it.
func TestRoofline(t *testing.T) {
	t.Parallel()
	r := estimate(t, llama, 14.96, sizing.Settings{Version: version(t, "0.33.0"), GPU: h100()})
	f, ok := sizing.NewRoofline(parse(t, `{`+llama+`}`), r, sizing.Speed{Bandwidth: 3350e9, Operations16: 989e12})
	require.True(t, ok)
	assert.InEpsilon(t, 14.96*gib/(3350e9*0.7), f.Step(1, 1), 0.01)
	assert.InEpsilon(t, 2*8.03e9*10000/(989e12*0.5), f.Prefill(10000), 0.01)
	_, ok = sizing.NewRoofline(parse(t, `{`+llama+`}`), r, sizing.Speed{})
	assert.False(t, ok)

	sparse := estimate(t, `"model_type": "deepseek_v3", `+deepseek, 640, sizing.Settings{Version: version(t, "0.33.0"), GPU: h200(), TensorParallel: 8})
	g, ok := sizing.NewRoofline(parse(t, `{"model_type": "deepseek_v3", `+deepseek+`}`), sparse, sizing.Speed{Bandwidth: 4800e9, Operations16: 989e12, Operations8: 1979e12})
	require.True(t, ok)
	assert.Greater(t, 10*g.Step(1, 1), g.Step(1000, 1), "many tokens share the experts that they read")
	assert.Greater(t, g.Step(1000, 1), 3*g.Step(1, 1), "one token reads few of them")

	rapid.Check(t, func(r *rapid.T) {
		n, context := rapid.Float64Range(1, 500).Draw(r, "sequences"), rapid.Float64Range(1, 8000).Draw(r, "context")
		for _, roofline := range []*sizing.Roofline{f, g} {
			require.GreaterOrEqual(r, roofline.Step(n+1, context), roofline.Step(n, context))
			require.GreaterOrEqual(r, roofline.Step(n, context+1), roofline.Step(n, context))
			require.GreaterOrEqual(r, roofline.Prefill(n+1), roofline.Prefill(n))
		}
	})
}
