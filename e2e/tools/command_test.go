package tools_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/tools"
)

// TestCommand lets what is cut off clean up.
func TestCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	cmd := tools.Command(ctx, "sh", "-c", `trap 'echo cleaned; exit 1' TERM; while :; do sleep 0.05; done`)
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	time.AfterFunc(200*time.Millisecond, cancel)
	require.Error(t, cmd.Wait())
	assert.Equal(t, "cleaned\n", out.String())
}
