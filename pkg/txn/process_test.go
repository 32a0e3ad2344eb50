//go:build unix

package txn

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// childRoot makes the test binary a writer that goes on until it is killed (or its parent must have died).
	childRoot = "KSERVEGEN_TXN_TEST_ROOT"
	// childUmask is the umask of the tests in a child; the usual one where it is not set.
	childUmask = "KSERVEGEN_TXN_TEST_UMASK"
)

func TestMain(m *testing.M) {
	umask, err := strconv.ParseInt(os.Getenv(childUmask), 8, 32)
	if err != nil {
		umask = 0o022
	}
	syscall.Umask(int(umask))
	root := os.Getenv(childRoot)
	if root == "" {
		os.Exit(m.Run())
	}
	_, _ = os.Stdout.WriteString("ready\n")
	for n, start := 0, time.Now(); time.Since(start) < time.Minute; n++ {
		if _, err := Commit(context.Background(), root, generation(n), Options{Last: isLock}); err != nil {
			_, _ = os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(3)
		}
	}
}

// generation is a set of changes that gives all files one content; every second one removes half of the files.
func generation(n int) []Change {
	changes := []Change{write("m/kservegen.lock", strconv.Itoa(n%2))}
	for i := range 60 {
		c := write("m/"+strconv.Itoa(i%6)+"/"+strconv.Itoa(i), strconv.Itoa(n%2))
		if n%2 == 1 && i%6 < 3 {
			c = remove(c.Path)
		}
		changes = append(changes, c)
	}
	return changes
}

// A real process, killed at a random moment: the tree is one generation or the other.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	root := (scenario{missing: true}).setUp(t)
	even := tree{}.with(generation(0))
	odd := even.with(generation(1))
	even["m/kservegen.lock"], odd["m/kservegen.lock"] = "0644 0", "0644 1"
	seen := map[string]int{}
	for range 20 {
		killChild(t, root)
		report, err := Recover(root, nil)
		require.NoError(t, err)
		got := snapshot(t, root)
		switch {
		case assert.ObjectsAreEqual(even, got):
			seen["even"]++
		case assert.ObjectsAreEqual(odd, got):
			seen["odd"]++
		case len(got) == 0:
			seen["empty"]++
		default:
			require.Equal(t, even, got, "neither generation; %s", report)
		}
		if report != "" {
			seen["interrupted"]++
		}
		noWorkDir(t, root)
	}
	t.Logf("trees found: %v", seen)
	assert.Positive(t, seen["interrupted"], "no kill met a transaction")
}

// killChild starts a writer and kills it within 20 ms after it began.
func killChild(t *testing.T, root string) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childRoot+"="+root)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "ready", lines.Text())
	time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
	require.NoError(t, cmd.Process.Kill())
	assert.False(t, lines.Scan(), "the child stopped by itself: %s", lines.Text())
	require.ErrorContains(t, cmd.Wait(), "killed")
}

// A umask belongs to the process, so it takes another one to see what it does.
func TestUmask(t *testing.T) {
	t.Parallel()
	if os.Getenv(childUmask) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestUmask$")
		cmd.Env = append(os.Environ(), childUmask+"=077")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	s := scenario{
		before:  tree{"open": file(0o644, "1"), "tool": file(0o755, "1"), "secret": file(0o600, "1")},
		changes: []Change{write("open", "2"), write("tool", "2"), write("secret", "2"), write("new/file", "2")},
	}
	root := s.setUp(t)
	_, err := Commit(context.Background(), root, s.changes, Options{})
	require.NoError(t, err)
	assert.Equal(t, tree{
		"open": file(0o644, "2"), "tool": file(0o755, "2"), "secret": file(0o600, "2"), "new": folder(0o700), "new/file": file(0o600, "2"),
	}, snapshot(t, root))
}
