package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/e2e/tools"
)

// TestNewest has one release of each product, with all of its modules.
func TestNewest(t *testing.T) {
	t.Parallel()
	crds := []string{"*.yaml"}
	got := newest([]tools.Source{
		{Product: "kserve", Version: "0.20", Module: "a", CRDs: crds},
		{Product: "kserve", Version: "0.19", Module: "a", CRDs: crds},
		{Product: "flux", Version: "2.9", Module: "b", CRDs: crds},
		{Product: "flux", Version: "2.9", Module: "c", CRDs: crds},
		{Product: "kubernetes", Version: "1.36", Module: "d", OpenAPI: []string{"api__v1"}},
	})
	var modules []string
	for _, s := range got {
		modules = append(modules, s.Module+" "+s.Version)
	}
	assert.Equal(t, []string{"a 0.20", "b 2.9", "c 2.9"}, modules)
}
