package cluster

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFigures lists every phase, also one that failed, in the order in which they ended.
func TestFigures(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &Suite{out: &out}
	failed := errors.New("failed")
	require.NoError(t, s.Phase("images", func() error { return nil }))
	require.ErrorIs(t, s.Phase("nodes", func() error { return failed }), failed)
	s.Took("case serve", 1500*time.Millisecond)
	assert.Regexp(t, `^images +0\.0 s\nnodes +0\.0 s\n$`, out.String())
	out.Reset()
	s.figures.print(&out, time.Minute)
	assert.Regexp(t, `^\nphase +seconds\nimages +0\.0\nnodes +0\.0\ncase serve +1\.5\ntotal, with what ran at the same time +60\.0\n$`, out.String())
	assert.Len(t, s.figures.all, 3, "the total is not one of them")
}
