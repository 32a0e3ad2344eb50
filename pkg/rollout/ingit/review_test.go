package ingit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/ingit"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// reviewed is a place whose steps people agree to, with what it proposed.
func reviewed(c clone) (*ingit.Place, *[]ingit.Proposal) {
	var said []ingit.Proposal
	return c.opened(func(o *ingit.Options) {
		o.Review = &ingit.Review{Say: func(p ingit.Proposal) error { said = append(said, p); return nil }}
	}), &said
}

// TestAProposal is a branch of its own that is not made twice, be it by another run; it stands when it is merged, however that is
// done.
func TestAProposal(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine, person := cloned(t, origin, "runner", false), cloned(t, origin, "ann", false)
	p, said := reviewed(mine)
	s := mine.read(p)
	require.ErrorIs(t, p.Move(t.Context(), s, 5, "it answers"), runner.ErrPending)
	again, saidAgain := reviewed(mine)
	require.ErrorIs(t, again.Move(t.Context(), mine.read(again), 5, "it answers"), runner.ErrPending)
	require.Len(t, *said, 1)
	assert.Equal(t, *said, *saidAgain)
	proposed := (*said)[0]
	assert.Equal(t, "Give v2 of m 5 % in production", proposed.Title)
	assert.Equal(t, "main", proposed.Onto)
	assert.Contains(t, proposed.Body, "aborts", "the table is whole")
	assert.Equal(t, "Start v2 of m", shell(t, origin, "log", "--format=%s", "main"))
	assert.Equal(t, 0, mine.read(p).Share)

	person.git("pull", "--quiet")
	person.git("merge", "--quiet", "--squash", "origin/"+proposed.Branch)
	person.git("commit", "--quiet", "--message", "Agreed (#1)")
	person.git("push", "--quiet")
	for _, other := range []*ingit.Place{p, again} {
		s = mine.read(other)
		assert.Equal(t, 5, s.Share)
		assert.False(t, s.Since.IsZero())
	}
	require.ErrorIs(t, p.Move(t.Context(), s, 25, "why"), runner.ErrPending)
	require.Len(t, *said, 2)

	// The way back does not wait, and the next attempt is not the branch that was merged.
	require.NoError(t, p.Move(t.Context(), s, 0, "errors"))
	assert.Equal(t, "Roll back v2 of m in production", shell(t, origin, "log", "-1", "--format=%s", "main"))
	require.ErrorIs(t, p.Move(t.Context(), mine.read(p), 5, "once more"), runner.ErrPending)
	require.Len(t, *said, 3)
	assert.NotEqual(t, proposed.Branch, (*said)[2].Branch)
}

// TestARollbackOfAProtectedBranch is proposed, since nothing else is left.
func TestARollbackOfAProtectedBranch(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine := cloned(t, origin, "runner", false)
	first := mine.opened()
	require.NoError(t, first.Move(t.Context(), mine.read(first), 5, "why"))
	hook := "#!/bin/sh\nwhile read old new ref; do [ $ref = refs/heads/main ] && echo 'main is protected' >&2 && exit 1; done\nexit 0\n"
	require.NoError(t, os.WriteFile(filepath.Join(origin, "hooks", "pre-receive"), []byte(hook), 0o700))
	p, said := reviewed(mine)
	require.ErrorIs(t, p.Move(t.Context(), mine.read(p), 0, "errors"), runner.ErrPending)
	require.Len(t, *said, 1)
	err := first.Move(t.Context(), mine.read(first), 0, "errors")
	require.ErrorContains(t, err, "main is protected", "without review it is told")
	assert.Equal(t, 5, mine.read(p).Share)
}
