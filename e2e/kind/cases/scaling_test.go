package cases

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestLanes: the load makes an autoscaler want exactly one replica more, by the algorithm that Kubernetes documents.
func TestLanes(t *testing.T) {
	t.Parallel()
	for replicas := 1; replicas <= 4; replicas++ {
		for _, target := range []float64{3, 5, 10} {
			s := scaler{replicas: replicas, target: target}
			average := float64(s.lanes()-replicas*atOnce) / float64(replicas)
			assert.InDelta(t, replicas+1, math.Ceil(float64(replicas)*average/target), 0, "%d replicas, target %v", replicas, target)
			assert.Greater(t, average/target, 1.1, "within the tolerance nothing is scaled")
			// With one replica more, as many are wanted or fewer.
			after := float64(max(s.lanes()-(replicas+1)*atOnce, 0)) / float64(replicas+1)
			assert.LessOrEqual(t, after/target, 1.1)
		}
	}
}

// TestKept: the replicas never fall, and are the autoscaler's.
func TestKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, now scale
		violated    bool
	}{
		"first":             {scale{}, scale{2, 2, 2}, false},
		"up":                {scale{2, 2, 2}, scale{3, 3, 2}, false},
		"just set":          {scale{2, 2, 2}, scale{3, 2, 2}, false},
		"another sets less": {scale{3, 2, 2}, scale{3, 2, 2}, true},
		"fallen":            {scale{3, 3, 3}, scale{3, 2, 3}, true},
		"fallen by both":    {scale{3, 3, 3}, scale{2, 2, 3}, true},
		"one is not ready":  {scale{3, 3, 3}, scale{3, 3, 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.violated, isViolated(kept(c.before, c.now)))
		})
	}
}
