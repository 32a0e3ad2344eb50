package install

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// TestWorkerLabels leaves the zone that a tree names, in which its pods must run.
func TestWorkerLabels(t *testing.T) {
	t.Parallel()
	const zone = "topology.kubernetes.io/zone"
	assert.Equal(t, map[string]string{"a": "b", zone: "zone-b", WorkerLabel: "true"}, workerLabels(tree.Needs{Labels: map[string]string{"a": "b"}}, 1))
	assert.Equal(t, "eu-west-1c", workerLabels(tree.Needs{Labels: map[string]string{zone: "eu-west-1c"}}, 1)[zone])
}
