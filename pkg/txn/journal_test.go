//go:build unix

package txn

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// at is the number of the first operation of a name.
func (s scenario) at(t *testing.T, op string) int {
	f := &faulty{}
	_, err, _ := s.commit(s.setUp(t), f)
	require.NoError(t, err)
	n := slices.Index(f.ops, op) + 1
	require.Positive(t, n, op)
	return n
}

// interrupted leaves a decided transaction behind, killed before it changed the tree.
func interrupted(t *testing.T) (s scenario, root string) {
	s = realistic()
	root = s.setUp(t)
	_, _, dead := s.commit(root, &faulty{killAt: s.at(t, "rename "+journalName) + 1})
	require.True(t, dead)
	require.True(t, journalStands(root))
	require.Equal(t, s.before, snapshot(t, root))
	return s, root
}

func TestRecoverReports(t *testing.T) {
	t.Parallel()
	s, root := interrupted(t)
	report, err := Recover(root, nil)
	require.NoError(t, err)
	assert.Equal(t, root+": finished an interrupted run of 12 changes; the tree is the new one", report)
	report, err = Recover(root, nil)
	require.NoError(t, err)
	assert.Empty(t, report)

	s.reset(t, root)
	_, _, _ = s.commit(root, &faulty{killAt: s.at(t, "writefile "+stagedName(3))})
	require.False(t, journalStands(root))
	report, err = Recover(root, nil)
	require.NoError(t, err)
	assert.Equal(t, root+": removed what an interrupted run had left behind; the tree is whole and was not touched", report)
}

func TestCommitRecoversFirst(t *testing.T) {
	t.Parallel()
	s, root := interrupted(t)
	more := []Change{write("m/base/b.yaml", "another b\n")}
	res, err := Commit(context.Background(), root, more, Options{})
	require.NoError(t, err)
	assert.Equal(t, Result{Written: 1, Recovered: root + ": finished an interrupted run of 12 changes; the tree is the new one"}, res)
	assert.Equal(t, s.before.with(s.changes).with(more), snapshot(t, root))
	noWorkDir(t, root)
}

// A journal that is not whole is never believed, and nothing is touched.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	s, root := interrupted(t)
	name := filepath.Join(root, journalName)
	whole, err := os.ReadFile(name)
	require.NoError(t, err)
	tail := func(why string) string {
		return name + ": " + why + "; nothing was touched. An interrupted run left it: the files it replaced are in " + filepath.Join(root, oldDir) +
			", the ones it did not put in place in " + filepath.Join(root, stagedDir) +
			". Restore the tree (git checkout or a backup), delete " + filepath.Join(root, WorkDir) + ", and run this again"
	}
	const magic, sum = "is not a journal of this version of kservegen", "is damaged: its checksum does not match"
	damaged := map[string]string{"": magic, string(whole[:5]): magic, "x" + string(whole): magic, string(whole) + "x": sum}
	for n := len(journalMagic); n < len(whole); n += 7 {
		damaged[string(whole[:n])] = sum
		flipped := slices.Clone(whole)
		flipped[n] ^= 1
		damaged[string(flipped)] = sum
	}
	for data, why := range damaged {
		require.NoError(t, os.WriteFile(name, []byte(data), 0o644))
		_, err = Recover(root, nil)
		require.EqualError(t, err, tail(why))
		require.ErrorIs(t, err, ErrRefused)
		_, err = Commit(context.Background(), root, s.changes, Options{})
		require.EqualError(t, err, tail(why))
		require.Equal(t, s.before, snapshot(t, root))
	}
	require.NoError(t, os.WriteFile(name, whole, 0o644))
	_, err = Recover(root, nil)
	require.NoError(t, err)
	require.Equal(t, s.before.with(s.changes), snapshot(t, root), "staged files were still there")
}

// A journal with a right checksum, but names that no change can have: somebody else wrote it.
func TestForgedJournal(t *testing.T) {
	t.Parallel()
	for _, j := range []journal{
		{Entries: []entry{{Path: "../out", Remove: true}}},
		{Mkdirs: []string{"/tmp/x"}},
		{Rmdirs: []emptied{{Path: WorkDir}}},
	} {
		root := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(root, WorkDir), 0o755))
		data, err := j.encode()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, journalName), data, 0o644))
		_, err = Recover(root, nil)
		require.ErrorContains(t, err, "names a wrong path")
	}
}

// A staged file that a power failure cut short is not put in place: the old tree comes back, also what was done already.
func TestDamagedStagedFile(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	_, _, dead := s.commit(root, &faulty{killAt: s.at(t, "rename n/kservegen.lock")})
	require.True(t, dead)
	staged, err := filepath.Glob(filepath.Join(root, stagedDir, "*"))
	require.NoError(t, err)
	require.Len(t, staged, 1)
	require.NoError(t, os.Truncate(staged[0], 3))
	report, err := Recover(root, nil)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(report, root+": undid an interrupted run of 12 changes, because finishing it met an error ("+staged[0]), report)
	assert.Equal(t, s.before, snapshot(t, root))
	noWorkDir(t, root)
}

// A person works in the tree between the kill and the recovery: what they removed does not stop it, what they added stays.
func TestTreeChangedBeforeRecovery(t *testing.T) {
	t.Parallel()
	s := realistic()
	root := s.setUp(t)
	_, _, dead := s.commit(root, &faulty{killAt: s.at(t, "rename "+oldName(5))}) // m/base/gone.yaml is gone by then
	require.True(t, dead)
	gone := filepath.Join(root, "m/base/gone.yaml")
	require.NoFileExists(t, gone)
	require.NoError(t, os.WriteFile(gone, []byte("here again"), 0o644))
	require.NoError(t, os.RemoveAll(filepath.Join(root, "m/overlays/left")))
	require.NoError(t, os.Remove(filepath.Join(root, "m/kservegen.lock")))
	_, err := Recover(root, nil)
	require.NoError(t, err)
	want := s.before.with(s.changes)
	want["m/base/gone.yaml"] = file(0o644, "here again")
	assert.Equal(t, want, snapshot(t, root))
}

// Undoing cannot put a file back while its directory is missing: the journal and the file stay until it can.
func TestUndoWaitsForTheDirectory(t *testing.T) {
	t.Parallel()
	s := scenario{before: tree{"a": folder(0o755), "a/x": file(0o644, "old")}, changes: []Change{write("a/x", "new"), write("b", "b")}}
	root := s.setUp(t)
	_, _, dead := s.commit(root, &faulty{killAt: s.at(t, "rename b")})
	require.True(t, dead)
	require.NoError(t, os.Truncate(filepath.Join(root, stagedName(1)), 0))
	require.NoError(t, os.RemoveAll(filepath.Join(root, "a")))
	for range 2 {
		_, err := Recover(root, nil)
		require.ErrorContains(t, err, "putting the old files back: renameat")
		require.ErrorContains(t, err, "run this again (the files are in "+filepath.Join(root, WorkDir)+")")
		require.True(t, journalStands(root))
	}
	require.NoError(t, os.Mkdir(filepath.Join(root, "a"), 0o755))
	_, err := Recover(root, nil)
	require.NoError(t, err)
	require.Equal(t, s.before, snapshot(t, root))
	noWorkDir(t, root)
}
