//go:build unix

package txn

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const benchFiles = 50_000

// rendering is a tree as 1,000 documents make it: 50 files of 1 KB in 6 directories each.
func rendering(salt byte) []Change {
	changes := make([]Change, 0, benchFiles)
	for i := range benchFiles {
		model, n := i/50, i%50
		dir := "base"
		if n >= 20 {
			dir = fmt.Sprintf("overlays/env%d", n%5)
		}
		data := bytes.Repeat([]byte{'a' + byte(i%20), salt}, 512)
		changes = append(changes, Change{Path: fmt.Sprintf("model-%04d/%s/file-%02d.yaml", model, dir, n), Data: data})
	}
	return changes
}

// BenchmarkCommit writes 50,000 files of 1 KB: into an empty root, over other files, and over the same ones.
func BenchmarkCommit(b *testing.B) {
	one, two := rendering('1'), rendering('2')
	run := func(b *testing.B, root string, changes []Change) {
		_, err := Commit(context.Background(), root, changes, Options{})
		require.NoError(b, err)
	}
	measure := func(name string, prepare func(b *testing.B, root string)) {
		b.Run(name, func(b *testing.B) {
			root := filepath.Join(b.TempDir(), "out")
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				require.NoError(b, os.RemoveAll(root))
				prepare(b, root)
				b.StartTimer()
				run(b, root, two)
			}
			b.ReportMetric(float64(benchFiles*b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
	measure("new", func(*testing.B, string) {})
	measure("changed", func(b *testing.B, root string) { run(b, root, one) })
	measure("unchanged", func(b *testing.B, root string) { run(b, root, two) })
}
