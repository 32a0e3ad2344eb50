package cases

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestLanes: the load makes an autoscaler want exactly one replica more, by the algorithm that Kubernetes documents.
func TestLanes(t *testing.T) {
	t.Parallel()
	for n := 1; n <= most; n++ {
		for _, target := range []float64{3, 5, 10} {
			a := autoscaler{replicas: n, target: target}
			average := float64(a.lanes()-n*atOnce) / float64(n)
			assert.InDelta(t, n+1, math.Ceil(float64(n)*average/target), 0, "%d replicas, target %v", n, target)
			assert.Greater(t, average/target, 1.1, "within the tolerance nothing is scaled")
			// With one replica more, as many are wanted or fewer.
			after := float64(max(a.lanes()-(n+1)*atOnce, 0)) / float64(n+1)
			assert.LessOrEqual(t, after/target, 1.1)
			some := float64(a.some() - n*atOnce)
			assert.Positive(t, some, "some wait")
			assert.LessOrEqual(t, math.Ceil(some/target), float64(n), "%d replicas, target %v", n, target)
		}
	}
}

// TestKept: the replicas never fall, and are the autoscaler's.
func TestKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, now replicas
		violated    bool
	}{
		"first":             {replicas{}, replicas{2, 2, 2}, false},
		"up":                {replicas{2, 2, 2}, replicas{3, 3, 2}, false},
		"just set":          {replicas{2, 2, 2}, replicas{3, 2, 2}, false},
		"another sets less": {replicas{3, 2, 2}, replicas{3, 2, 2}, true},
		"fallen":            {replicas{3, 3, 3}, replicas{3, 2, 3}, true},
		"fallen by both":    {replicas{3, 3, 3}, replicas{2, 2, 3}, true},
		"one is not ready":  {replicas{3, 3, 3}, replicas{3, 3, 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.violated, isViolated(kept(c.before, c.now)))
		})
	}
}
