//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const header = "apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\n"

// TestHugeFile: 100 MB are refused after a little of them was read. It counts what is allocated, and so must not run
// beside other tests.
func TestHugeFile(t *testing.T) {
	const (
		size    = 100 << 20
		enough  = 32 << 20
		patient = 10 * time.Second
	)
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.yaml")
	require.NoError(t, os.WriteFile(huge, []byte(header), 0o600))
	require.NoError(t, os.Truncate(huge, size)) // takes no room on disk
	text := header + strings.Repeat("# all work and no play\n", size/23)

	for _, test := range []struct{ name, from, stdin, at string }{
		{"file", huge, "", huge + ": "},
		{"directory", dir, "", huge + ": "},
		{"stdin", "-", text, "stdin: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "deploy")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			code, stdout, stderr := call(t, test.stdin, "render", "-f", test.from, "-o", out)
			elapsed := time.Since(start)
			runtime.ReadMemStats(&after)

			assert.Equal(t, 2, code)
			assert.Empty(t, stdout)
			assert.True(t, strings.HasPrefix(stderr, test.at), stderr)
			assert.NoDirExists(t, out)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(enough), "bytes allocated")
			assert.Less(t, elapsed, patient)
		})
	}
}

// TestInterrupt stops a run in the middle of writing: the old tree is whole, or the new one is complete.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	was, will := fleet(t, "a10g"), fleet(t, "l4")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, fresh := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, fresh=%v", signal, fresh), func(t *testing.T) {
				t.Parallel()
				out := filepath.Join(t.TempDir(), "deploy")
				if !fresh {
					mustRender(t, was, out)
				}
				for range 5 {
					if interruptOnce(t, will, out, signal) {
						return
					}
					mustRender(t, was, out) // it was done before the signal came
				}
				t.Error("five runs ended before the signal came; make the fleet larger")
			})
		}
	}
}

// fleet writes a directory of documents that takes a while to render.
func fleet(t *testing.T, accelerator string) string {
	t.Helper()
	const documents = 60
	dir := t.TempDir()
	for i := range documents {
		document := fmt.Sprintf("%smetadata: {name: m%d}\nspec:\n"+
			"  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}\n  accelerator: {type: %s}\n"+
			"  environments: [{name: dev}, {name: staging}, {name: production, replicas: {min: 2}}]\n", header, i, accelerator)
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%d.yaml", i)), []byte(document), 0o600))
	}
	return dir
}

func mustRender(t *testing.T, documents, out string) {
	t.Helper()
	code, _, stderr := call(t, "", "render", "-f", documents, "-o", out)
	require.Equal(t, 0, code, stderr)
}

// interruptOnce signals a run that has begun to write, and checks what it leaves. It reports whether the signal
// came in time.
func interruptOnce(t *testing.T, documents, out string, signal syscall.Signal) bool {
	t.Helper()
	before, err := look(out)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	run := exec.CommandContext(ctx, "kservegen", "render", "-f", documents, "-o", out) // TestMain puts it into PATH
	var stderr strings.Builder
	run.Stderr = &stderr
	require.NoError(t, run.Start())
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	waitForStaging(ctx, out, ended)
	_ = run.Process.Signal(signal) // it may have ended
	if len(ended) == 0 {
		ended <- <-ended
	}
	require.NoError(t, ctx.Err(), "it did not end")

	after, err := look(out)
	require.NoError(t, err)
	if code := run.ProcessState.ExitCode(); code != 0 {
		require.Equal(t, 130, code, stderr.String())
		assert.Contains(t, stderr.String(), "interrupted")
		assert.Empty(t, compare(before, after))
		mustRender(t, documents, out)
		return true
	}
	reference := filepath.Join(t.TempDir(), "reference")
	mustRender(t, documents, reference)
	want, err := look(reference)
	require.NoError(t, err)
	assert.Empty(t, compare(want, after))
	return false
}

// waitForStaging returns when the run has staged its first file, or has ended.
func waitForStaging(ctx context.Context, out string, ended chan error) {
	for ctx.Err() == nil && len(ended) == 0 {
		if staged, _ := filepath.Glob(filepath.Join(out, ".kservegen-txn", "staged", "*")); len(staged) > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
