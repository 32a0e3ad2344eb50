package process_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/envtest/process"
)

func shell(t *testing.T, script string) (*process.Process, string) {
	t.Helper()
	logs := t.TempDir()
	p, err := process.Start(process.Command{Name: "sh", Path: "/bin/sh", Args: []string{"-c", script}, Logs: logs})
	require.NoError(t, err)
	return p, filepath.Join(logs, "sh.log")
}

func TestStopReachesGrandchildren(t *testing.T) {
	t.Parallel()
	p, log := shell(t, "sleep 300 & echo $!; wait")
	var child int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		child, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	}, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, p.Err(), "it runs")
	require.NoError(t, p.Stop())
	assert.Eventually(t, func() bool {
		return syscall.Kill(child, 0) != nil || zombie(child)
	}, 5*time.Second, 10*time.Millisecond, "the shell's child survived")
}

// zombie says that a process ended and waits for its parent to notice.
func zombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestErrShowsLastWords(t *testing.T) {
	t.Parallel()
	p, _ := shell(t, "echo no such flag >&2; exit 3")
	<-p.Done()
	err := p.Err()
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "no such flag")
	assert.NoError(t, p.Stop(), "stopping what has ended")
}

func TestMissingProgram(t *testing.T) {
	t.Parallel()
	_, err := process.Start(process.Command{Name: "etcd", Path: "/nowhere/etcd", Logs: t.TempDir()})
	require.ErrorContains(t, err, "starting etcd")
}
