package sizing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/sizing"
)

func TestStartupFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		weights int64
		nodes   int
		engine  time.Duration
		want    time.Duration
		why     string
	}{
		"a second of weights": {sizing.LoadBytesPerSecond, 1, 0, 610 * time.Second, "0.1 GiB at 125 MiB/s (the slowest usual disk: EBS gp3) + 600 s engine start = 610 s"},
		"and a byte":          {10*sizing.LoadBytesPerSecond + 1, 1, 0, 620 * time.Second, "+ 600 s engine start = 620 s"},
		"a slow compiler":     {sizing.LoadBytesPerSecond, 1, time.Hour, 3610 * time.Second, "+ 3600 s engine start = 3610 s"},
		"unknown":             {0, 1, 0, 30 * time.Minute, "does not know the size"},
		"a share of each node": {200 * sizing.LoadBytesPerSecond, 2, 0, 1010 * time.Second,
			"on each of 2 nodes 12.2 GiB at 125 MiB/s (the slowest usual disk: EBS gp3) + 310 s for the image of the last of them + 600 s engine start = 1010 s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sizing.StartupFor(test.weights, test.nodes, test.engine)
			assert.Equal(t, test.want, got.Budget)
			assert.Contains(t, got.Why, test.why)
		})
	}
}

// A budget is never less than the sum that it is explained by, and at most a probe's period more.
func TestStartupIsEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.Int64Range(1, 2<<40).Draw(t, "bytes")
		load := time.Duration(float64(weights) / sizing.LoadBytesPerSecond * float64(time.Second))
		budget := sizing.StartupFor(weights, 1, 0).Budget
		assert.GreaterOrEqual(t, budget, load+sizing.EngineStart)
		assert.Less(t, budget, load+sizing.EngineStart+11*time.Second)
	})
}

func TestRolloutFor(t *testing.T) {
	t.Parallel()
	start := sizing.Startup{Budget: 600 * time.Second}
	for name, test := range map[string]struct {
		fetched int64
		want    time.Duration
		why     string
	}{
		"mounted": {0, 910 * time.Second, "310 s for the image at 125 MiB/s + 600 s start-up budget"},
		"fetched": {60 * sizing.LoadBytesPerSecond, 970 * time.Second, "310 s for the image at 125 MiB/s + 60 s to fetch weights at that rate + 600 s start-up budget"},
		"unknown": {-1, 2110 * time.Second, " + 1200 s to fetch weights of unknown size + "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sizing.RolloutFor(start, test.fetched)
			assert.Equal(t, test.want, got.Budget)
			assert.Contains(t, got.Why, test.why)
		})
	}
}
