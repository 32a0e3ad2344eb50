package cluster

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLock lets one in at a time, and names it to the other.
func TestLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := &Suite{dir: dir}, &Suite{dir: dir}
	require.NoError(t, first.Lock())
	require.ErrorContains(t, second.Lock(), fmt.Sprintf("process %d runs the suite in the same cluster", os.Getpid()))
	require.NoError(t, second.Unlock(), "it holds nothing")
	require.NoError(t, first.Unlock())
	require.NoError(t, second.Lock())
	require.NoError(t, second.Unlock())
}
