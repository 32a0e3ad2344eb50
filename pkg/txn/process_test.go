//go:build unix

package txn

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childRoot makes the test binary a writer that never stops by itself.
const childRoot = "KSERVEGEN_TXN_TEST_ROOT"

func TestMain(m *testing.M) {
	root := os.Getenv(childRoot)
	if root == "" {
		os.Exit(m.Run())
	}
	_, _ = os.Stdout.WriteString("ready\n")
	for n := 0; ; n++ {
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
