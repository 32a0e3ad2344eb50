package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGateway finds this machine's address in what a node says of its routes.
func TestGateway(t *testing.T) {
	t.Parallel()
	address, err := gateway("default via 10.89.0.1 dev eth0 proto static metric 100 \n")
	require.NoError(t, err)
	assert.Equal(t, "10.89.0.1", address)
	for _, routes := range []string{"", "default dev eth0 scope link\n", "default via"} {
		_, err = gateway(routes)
		require.ErrorContains(t, err, "the nodes have no way to this machine")
	}
}
