//go:build unix

package txn

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Few names, so that changes meet files, and directories come and go. A name with a dot is a file.
func drawPath() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		p := ""
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			p += rapid.SampledFrom([]string{"a/", "b/", "c/"}).Draw(t, "dir")
		}
		return p + rapid.SampledFrom([]string{"x.", "y.", "kservegen.lock"}).Draw(t, "file")
	})
}

// faultAt is one of the first operations, or none.
func faultAt(last int) *rapid.Generator[int] {
	return rapid.OneOf(rapid.Just(0), rapid.IntRange(1, last))
}

func drawScenario(t *rapid.T) scenario {
	s := scenario{before: tree{}}
	content := rapid.SampledFrom([]string{"", "1", "2", "longer\n"})
	modes := rapid.SampledFrom([]os.FileMode{0o644, 0o600, 0o755})
	for _, p := range rapid.SliceOfN(drawPath(), 0, 12).Draw(t, "files") {
		s.before[p] = file(modes.Draw(t, "mode"), content.Draw(t, "content"))
		for d := filepath.Dir(p); d != "."; d = filepath.Dir(d) {
			s.before[d] = folder(0o755)
		}
	}
	for _, d := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "a/e"}), 0, 2).Draw(t, "empty directories") {
		s.before["a"], s.before[d] = folder(0o755), folder(0o711)
	}
	for _, p := range rapid.SliceOfNDistinct(drawPath(), 0, 12, rapid.ID[string]).Draw(t, "changes") {
		if rapid.Bool().Draw(t, "remove") {
			s.changes = append(s.changes, remove(p))
		} else {
			s.changes = append(s.changes, write(p, content.Draw(t, "data")))
		}
	}
	return s
}

// Whatever the tree, the changes, and the moments of an error, a kill, and a second kill: old or new, and new if the journal stood.
func TestAnyTreeAnyFault(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		root := filepath.Join(dir, fmt.Sprint(n))
		defer func() { _ = os.RemoveAll(root) }()
		s := drawScenario(rt)
		s.reset(t, root)
		require.Equal(rt, s.before, snapshot(rt, root))
		after := s.before.with(s.changes)
		f := &faulty{
			failAt:  faultAt(120).Draw(rt, "error at"),
			killAt:  faultAt(250).Draw(rt, "kill at"),
			noLinks: rapid.Bool().Draw(rt, "no hard links"),
		}
		res, err, dead := s.commit(root, f)
		want := s.before
		end := slices.Index(f.ops, "remove "+journalName) + 1
		failed := f.failAt > 0 && f.failAt <= end
		switch {
		case dead && journalStands(root), dead && end > 0 && f.killAt > end && !failed:
			want = after
		case !dead && err == nil:
			want = after
			require.Equal(rt, len(s.changes), res.Written+res.Removed+res.Unchanged)
		}
		_, _, _ = recoverWith(root, &faulty{killAt: rapid.IntRange(0, 60).Draw(rt, "second kill at")})
		_, err = Recover(root, nil)
		require.NoError(rt, err)
		require.Equal(rt, want, snapshot(rt, root))
		noWorkDir(rt, root)
	})
}
