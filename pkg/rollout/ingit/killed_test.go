package ingit_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/git"
)

// victim is the variable that makes the test binary a runner in the clone that it names, to be killed.
const victim = "KSERVEGEN_TEST_VICTIM"

// TestVictim makes a step in a clone, and writes which process it is beside it.
func TestVictim(t *testing.T) {
	dir := os.Getenv(victim)
	if dir == "" {
		t.Skip("is called by TestKilled")
	}
	r, err := git.Open(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir+".pid", fmt.Append(nil, os.Getpid()), 0o600))
	mine := clone{t, dir, r}
	p := mine.opened()
	require.NoError(t, p.Move(t.Context(), mine.read(p), 5, "why"))
}

// TestKilled: a runner that is killed while it pushes leaves the branch as it was or with the whole step, and the next one goes on
// from there. Its work tree has nothing of it.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hook, then string
		share      int
	}{
		"before the branch moves, and it does not": {"pre-receive", "exit 1", 0},
		"before the branch moves":                  {"pre-receive", "exit 0", 5},
		"after the branch has moved":               {"post-receive", "exit 0", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin := bare(t)
			mine := cloned(t, origin, "runner", false)
			hook := filepath.Join(origin, "hooks", test.hook)
			require.NoError(t, os.WriteFile(hook, fmt.Appendf(nil, "#!/bin/sh\nkill -9 $(cat '%s.pid')\n%s\n", mine.dir, test.then), 0o700))
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
			cmd.Env = append(cmd.Environ(), victim+"="+mine.dir)
			require.ErrorContains(t, cmd.Run(), "killed")
			require.NoError(t, os.Remove(hook))

			assert.Empty(t, mine.git("status", "--porcelain"))
			require.Eventually(t, func() bool { return mine.read(mine.opened()).Share == test.share }, 10*time.Second, 50*time.Millisecond)
			p := mine.opened()
			s := mine.read(p)
			assert.Equal(t, test.share > 0, !s.Since.IsZero())
			require.NoError(t, p.Move(t.Context(), s, 25, "why"))
			assert.Equal(t, 25, mine.read(p).Share)
		})
	}
}
