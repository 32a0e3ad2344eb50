package git_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/git"
)

// clone is a work tree of a bare repository.
type clone struct {
	dir string
	*git.Repository
}

// shell runs git itself, as another person would.
func shell(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	require.NoErrorf(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func (c clone) write(t *testing.T, name, data string) {
	t.Helper()
	path := filepath.Join(c.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(data), 0o600))
}

// clones are two work trees of one bare repository.
func clones(t *testing.T) (mine, theirs clone) {
	t.Helper()
	root := t.TempDir()
	shell(t, root, "init", "--quiet", "--bare", "--initial-branch=main", "bare")
	open := func(name string) clone {
		shell(t, root, "clone", "--quiet", "bare", name)
		dir := filepath.Join(root, name)
		shell(t, dir, "config", "user.email", name+"@example.com")
		shell(t, dir, "config", "user.name", name)
		shell(t, dir, "symbolic-ref", "HEAD", "refs/heads/main")
		r, err := git.Open(t.Context(), dir)
		require.NoError(t, err)
		return clone{dir, r}
	}
	mine = open("mine")
	mine.write(t, "doc.yaml", "one\ntwo\n")
	mine.write(t, "deploy/m/lock", "1\n")
	mine.write(t, "other", "x\n")
	shell(t, mine.dir, "add", ".")
	shell(t, mine.dir, "commit", "--quiet", "--message", "first")
	shell(t, mine.dir, "push", "--quiet", "--set-upstream", "origin", "main")
	theirs = open("theirs")
	shell(t, theirs.dir, "pull", "--quiet")
	return mine, theirs
}

func (c clone) overtake(t *testing.T, name, data string) {
	t.Helper()
	c.write(t, name, data)
	shell(t, c.dir, "add", ".")
	shell(t, c.dir, "commit", "--quiet", "--message", "theirs: "+name)
	shell(t, c.dir, "push", "--quiet")
}

func TestDirtyNamesWhatIsNotCommitted(t *testing.T) {
	t.Parallel()
	mine, _ := clones(t)
	dirty, err := mine.Dirty(t.Context(), "doc.yaml", "deploy/m")
	require.NoError(t, err)
	assert.Empty(t, dirty)
	mine.write(t, "other", "of somebody else")
	mine.write(t, "doc.yaml", "changed")
	mine.write(t, "deploy/m/mit Umlaut ü", "new")
	shell(t, mine.dir, "rm", "--quiet", "deploy/m/lock")
	dirty, err = mine.Dirty(t.Context(), "doc.yaml", "deploy/m")
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"doc.yaml", "deploy/m/lock", "deploy/m/mit Umlaut ü"}, dirty)
}

// TestCommitTakesItsFilesAlone: what somebody has staged besides stays staged.
func TestCommitTakesItsFilesAlone(t *testing.T) {
	t.Parallel()
	mine, _ := clones(t)
	mine.write(t, "other", "half done")
	shell(t, mine.dir, "add", "other")
	mine.write(t, "doc.yaml", "changed")
	mine.write(t, "deploy/m/new", "new")
	require.NoError(t, os.Remove(filepath.Join(mine.dir, "deploy/m/lock")))
	hash, err := mine.Commit(t.Context(), "what\n\nwhy", "doc.yaml", "deploy/m")
	require.NoError(t, err)
	assert.Equal(t, "D\tdeploy/m/lock\nA\tdeploy/m/new\nM\tdoc.yaml", shell(t, mine.dir, "show", "--no-renames", "--name-status", "--format=", hash))
	assert.Equal(t, "M  other", shell(t, mine.dir, "status", "--porcelain"))
	assert.Equal(t, "what\n\nwhy", shell(t, mine.dir, "log", "-1", "--format=%B"))
	entries, err := mine.Log(t.Context(), "doc.yaml")
	require.NoError(t, err)
	require.Len(t, entries, 2)
	assert.Equal(t, []string{"what", "mine", hash}, []string{entries[0].Subject, entries[0].Author, entries[0].Short})
}

// TestAPushThatIsOvertakenIsRetried: others pushed other files, twice; the commit goes on top of theirs, and half done work stays.
func TestAPushThatIsOvertakenIsRetried(t *testing.T) {
	t.Parallel()
	mine, theirs := clones(t)
	theirs.overtake(t, "elsewhere", "1")
	theirs.overtake(t, "other", "theirs")
	mine.write(t, "doc.yaml", "changed")
	mine.write(t, "notes", "half done")
	shell(t, mine.dir, "add", "notes")
	_, err := mine.Commit(t.Context(), "mine", "doc.yaml")
	require.NoError(t, err)
	overtaken, err := mine.Push(t.Context(), "doc.yaml", "deploy/m")
	require.NoError(t, err)
	assert.Equal(t, 1, overtaken)
	shell(t, theirs.dir, "pull", "--quiet")
	assert.Equal(t, "mine\ntheirs: other\ntheirs: elsewhere\nfirst", shell(t, theirs.dir, "log", "--format=%s"))
	assert.Equal(t, "A  notes", shell(t, mine.dir, "status", "--porcelain"))
}

// TestAPushOverTheSameFilesIsRefused: others changed the document or its tree meanwhile. Nothing is merged, nothing lost.
func TestAPushOverTheSameFilesIsRefused(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"doc.yaml", "deploy/m/lock"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			mine, theirs := clones(t)
			theirs.overtake(t, file, "one\ntheirs\n")
			mine.write(t, "doc.yaml", "mine\ntwo\n")
			hash, err := mine.Commit(t.Context(), "mine", "doc.yaml")
			require.NoError(t, err)
			_, err = mine.Push(t.Context(), "doc.yaml", "deploy/m")
			require.ErrorIs(t, err, git.ErrOvertaken)
			require.ErrorContains(t, err, file)
			assert.Equal(t, hash, shell(t, mine.dir, "rev-parse", "--short", "HEAD"))
			assert.Empty(t, shell(t, mine.dir, "status", "--porcelain"))
			assert.Equal(t, "theirs: "+file, shell(t, mine.dir, "log", "-1", "--format=%s", "origin/main"))
		})
	}
}

func TestPushSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	mine, _ := clones(t)
	shell(t, mine.dir, "switch", "--quiet", "--create", "topic")
	_, err := mine.Push(t.Context(), "doc.yaml")
	require.ErrorContains(t, err, "git push --set-upstream origin topic")
	shell(t, mine.dir, "switch", "--quiet", "--detach")
	_, err = mine.Push(t.Context(), "doc.yaml")
	require.ErrorContains(t, err, "no branch is checked out")
	shell(t, mine.dir, "switch", "--quiet", "main")
	shell(t, mine.dir, "remote", "set-url", "origin", filepath.Join(mine.dir, "gone"))
	_, err = mine.Push(t.Context(), "doc.yaml")
	require.ErrorContains(t, err, "git push: ")
	require.NotErrorIs(t, err, git.ErrOvertaken)
}

func TestFilesOfACommit(t *testing.T) {
	t.Parallel()
	mine, _ := clones(t)
	binary := "\x00blob 3\nno newline"
	mine.write(t, "deploy/m/binary", binary)
	mine.write(t, "deploy/m/empty", "")
	shell(t, mine.dir, "add", ".")
	shell(t, mine.dir, "commit", "--quiet", "--message", "more")
	files, err := mine.Files(t.Context(), "HEAD", "deploy/m")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"deploy/m/lock": []byte("1\n"), "deploy/m/binary": []byte(binary), "deploy/m/empty": {}}, files)
	files, err = mine.Files(t.Context(), "HEAD~1", "nowhere")
	require.NoError(t, err)
	assert.Empty(t, files)
	data, err := mine.Read(t.Context(), "HEAD~1", "deploy/m/binary")
	require.NoError(t, err)
	assert.Nil(t, data)
	_, err = mine.Resolve(t.Context(), "--upload-pack=x")
	require.ErrorContains(t, err, "there is no commit --upload-pack=x")
}

func TestPaths(t *testing.T) {
	t.Parallel()
	mine, theirs := clones(t)
	path, err := mine.Path(filepath.Join(mine.dir, "deploy", "m"))
	require.NoError(t, err)
	assert.Equal(t, "deploy/m", path)
	_, err = mine.Path(filepath.Join(theirs.dir, "doc.yaml"))
	require.ErrorContains(t, err, "is outside of the repository")
	_, err = git.Open(t.Context(), "/")
	require.ErrorContains(t, err, "not a git repository")
}

// TestCommitWithoutAWorkTree: a commit on a branch of the remote leaves everything here as it was, whatever is staged or changed.
func TestCommitWithoutAWorkTree(t *testing.T) {
	t.Parallel()
	mine, theirs := clones(t)
	mine.write(t, "other", "changed and staged")
	shell(t, mine.dir, "add", "other")
	mine.write(t, "doc.yaml", "changed")
	before := shell(t, mine.dir, "status", "--porcelain", "--branch")

	branch, err := mine.Tracked(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "origin/main", branch.String())
	head, err := branch.Fetch(t.Context())
	require.NoError(t, err)
	commit, err := mine.CommitOn(t.Context(), head, "third\n\nwhy", map[string][]byte{"doc.yaml": []byte("1\n2\n"), "deploy/ü/new": []byte("x\n"), "other": nil})
	require.NoError(t, err)
	require.NoError(t, branch.Send(t.Context(), commit, head))

	shell(t, theirs.dir, "pull", "--quiet")
	assert.Equal(t, "third\n\nwhy", shell(t, theirs.dir, "log", "-1", "--format=%B"))
	assert.Equal(t, "A\tdeploy/ü/new\nM\tdoc.yaml\nD\tother", shell(t, theirs.dir, "-c", "core.quotePath=false", "show", "--no-renames", "--format=", "--name-status"))
	assert.Equal(t, "1\n2", shell(t, theirs.dir, "show", "HEAD:doc.yaml"))
	after := shell(t, mine.dir, "status", "--porcelain", "--branch")
	assert.Equal(t, before, strings.Replace(after, " [behind 1]", "", 1))
	assert.Equal(t, head, shell(t, mine.dir, "rev-parse", "HEAD"))
	entries, complete, err := mine.FirstParents(t.Context(), commit, "doc.yaml")
	require.NoError(t, err)
	assert.True(t, complete)
	assert.Len(t, entries, 2)
}

// TestSendComesTooLate: a branch that has moved, or that is there already, is not overwritten.
func TestSendComesTooLate(t *testing.T) {
	t.Parallel()
	mine, theirs := clones(t)
	branch, err := mine.Tracked(t.Context())
	require.NoError(t, err)
	head, err := branch.Fetch(t.Context())
	require.NoError(t, err)
	theirs.overtake(t, "other", "theirs")
	commit, err := mine.CommitOn(t.Context(), head, "mine", map[string][]byte{"doc.yaml": []byte("1\n")})
	require.NoError(t, err)
	require.ErrorIs(t, branch.Send(t.Context(), commit, head), git.ErrMoved)
	now, err := branch.Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, shell(t, theirs.dir, "rev-parse", "HEAD"), now)

	own := branch.Sibling("kservegen/step")
	none, err := own.Fetch(t.Context())
	require.NoError(t, err)
	assert.Empty(t, none)
	require.NoError(t, own.Send(t.Context(), commit, ""))
	other, err := mine.CommitOn(t.Context(), now, "another", map[string][]byte{"doc.yaml": []byte("3\n")})
	require.NoError(t, err)
	require.ErrorIs(t, own.Send(t.Context(), other, ""), git.ErrMoved)
	got, err := own.Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, commit, got)
	require.ErrorContains(t, branch.Sibling("x y").Send(t.Context(), commit, ""), "x y")
}
