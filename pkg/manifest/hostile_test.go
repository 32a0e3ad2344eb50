package manifest_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// bomb nests aliases: ten values a level, levels levels.
func bomb(levels int) string {
	var text strings.Builder
	text.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < levels; i++ {
		fmt.Fprintf(&text, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return text.String()
}

// mergeBomb nests merge keys: ten copies a level of all that the level below holds.
func mergeBomb(levels int) string {
	var text strings.Builder
	text.WriteString("a0: &a0 {x: 1}\n")
	for i := 1; i < levels; i++ {
		fmt.Fprintf(&text, "a%d: &a%d {", i, i)
		for j := range 10 {
			fmt.Fprintf(&text, "k%d: {<<: *a%d}, ", j, i-1)
		}
		fmt.Fprintf(&text, "<<: [*a%d, *a%d]}\n", i-1, i-1)
	}
	return text.String()
}

func wide(keys int) string {
	var text strings.Builder
	for i := range keys {
		fmt.Fprintf(&text, "k%d: x, ", i)
	}
	return text.String()
}

type zeros struct{ read int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.read >= 100<<20 {
		return 0, io.EOF
	}
	z.read += int64(len(p))
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestReadIsBounded does not run in parallel: it measures what the whole process allocates.
func TestReadIsBounded(t *testing.T) {
	const size = 1<<20 - 16
	tests := map[string]struct {
		text, want string
		megabytes  uint64
	}{
		"bomb":              {bomb(10), "with alias *a3 the file has more than 100000 values", 64},
		"merge bomb":        {mergeBomb(20), "the file has more than 100000 values", 64},
		"wide merge":        {"a: &a {" + wide(1000) + "}\nb: {<<: [" + strings.Repeat("*a, ", 1000) + "*a]}", "more than 100000 values", 64},
		"wide bomb":         {"a: &a [" + strings.Repeat("x, ", 300) + "x]\nb: [" + strings.Repeat("*a, ", 1000) + "*a]", "more than 100000 values", 64},
		"deep lists":        {strings.Repeat("[", 1_000_000), "exceeded max depth of 10000", 64},
		"deep maps":         {strings.Repeat("{a: ", size/4), "exceeded max depth of 10000", 64},
		"deep blocks":       {strings.Repeat("- ", size/2), "exceeded max depth of 10000", 64},
		"deep keys":         {strings.Repeat("? ", size/2), "exceeded max depth of 10000", 64},
		"long line":         {"a: " + strings.Repeat("x", size), "", 64},
		"long quoted line":  {"a: \"" + strings.Repeat("x ", size/2) + "\"", "", 64},
		"long comment":      {"a: 1 # " + strings.Repeat("x", size-8), "", 64},
		"many comments":     {strings.Repeat("# c\n", size/4) + "a: 1\n", "", 256},
		"many values":       {"[" + strings.Repeat("x,", size/2-1) + "x]", "more than 100000 values", 384},
		"many keys":         {strings.Repeat("x:\n", size/3), "more than 100000 values", 384},
		"many documents":    {strings.Repeat("---\na\n", size/6), "more than 100000 values", 384},
		"many duplicates":   {strings.Repeat("a:\n", 30_000), "and 29899 more problems in this file", 64},
		"blank":             {strings.Repeat(" ", size), "is empty", 64},
		"colons":            {strings.Repeat(":", size), "mapping values are not allowed", 64},
		"anchors":           {strings.Repeat("&a ", size/3), "did not find", 64},
		"one list per line": {strings.Repeat(strings.Repeat("- ", 1000)+"\n", 500), "more than 100000 values", 384},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := manifest.ReadMerging("f.yaml", strings.NewReader(tt.text), manifest.Limits{})
			elapsed := time.Since(start)
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%v, %d MB allocated", elapsed.Round(time.Millisecond), allocated)
			assert.LessOrEqual(t, allocated, tt.megabytes, "MB allocated")
			assert.Less(t, elapsed, 10*time.Second)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.want)
			assert.Less(t, len(err.Error()), 10_000)
		})
	}
}

func TestReadStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	r := &zeros{}
	_, err := manifest.Read("big.yaml", r, manifest.DefaultLimits())
	require.EqualError(t, err, "big.yaml: is larger than 1048576 bytes, the limit for one file; split it")
	assert.LessOrEqual(t, r.read, int64(2<<20))

	text := "a: " + strings.Repeat("x", 7)
	_, err = manifest.Read("f.yaml", strings.NewReader(text), manifest.Limits{Bytes: 10})
	require.NoError(t, err)
	_, err = manifest.Read("f.yaml", strings.NewReader(text+"x"), manifest.Limits{Bytes: 10})
	require.ErrorContains(t, err, "larger than 10 bytes")
	_, err = manifest.Read("f.yaml", strings.NewReader("[a, b]"), manifest.Limits{Nodes: 3})
	require.NoError(t, err)
	_, err = manifest.Read("f.yaml", strings.NewReader("[a, b]"), manifest.Limits{Nodes: 2})
	require.EqualError(t, err, "f.yaml:1:1: the file has more than 2 values and keys, the limit for one file; split it")
}
