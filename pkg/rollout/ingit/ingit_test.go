package ingit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/ingit"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
  revisions: [{name: v1}, {name: v2, replicas: {max: 2}}]
  traffic: # of both environments
  - {revision: v1, weight: 100} # yours
  - {revision: v2, weight: 0}
  rollout: {from: v1, to: v2}
  environments: [{name: staging}, {name: production}]
`

// clone is the work tree of one runner or person.
type clone struct {
	t   *testing.T
	dir string
	*git.Repository
}

func shell(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	require.NoErrorf(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func (c clone) git(args ...string) string { return shell(c.t, c.dir, args...) }

// rendered writes a document and its tree.
func (c clone) rendered(text string) {
	all, err := spec.Load("m.yaml", strings.NewReader(text))
	require.NoError(c.t, err)
	tree, err := render.NewGenerator().Tree(all[0])
	require.NoError(c.t, err)
	update, err := render.Reconcile(render.Empty(), []*render.Tree{tree}, render.Options{})
	require.NoError(c.t, err)
	require.NoError(c.t, os.RemoveAll(filepath.Join(c.dir, "deploy")))
	_, err = txn.Commit(c.t.Context(), filepath.Join(c.dir, "deploy"), update.Changes, txn.Options{})
	require.NoError(c.t, err)
	c.write("docs/m.yaml", text)
}

func (c clone) write(name, text string) {
	file := filepath.Join(c.dir, name)
	require.NoError(c.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(c.t, os.WriteFile(file, []byte(text), 0o600))
}

// pushed commits all that is there, as a person would.
func (c clone) pushed(message string) {
	c.git("pull", "--quiet", "--rebase", "--autostash")
	c.git("add", "--all")
	c.git("commit", "--quiet", "--message", message)
	c.git("push", "--quiet")
}

// bare is a repository whose branch main has the document and its tree.
func bare(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bare")
	shell(t, ".", "init", "--quiet", "--bare", "--initial-branch=main", dir)
	first := cloned(t, dir, "ann", false)
	first.git("symbolic-ref", "HEAD", "refs/heads/main")
	first.rendered(document)
	first.git("add", "--all")
	first.git("commit", "--quiet", "--message", "Start v2 of m")
	first.git("push", "--quiet", "--set-upstream", "origin", "main")
	return dir
}

func cloned(t *testing.T, bare, name string, shallow bool) clone {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	args := []string{"clone", "--quiet"}
	if shallow {
		args = append(args, "--depth=1")
	}
	shell(t, ".", append(args, "file://"+bare, dir)...)
	shell(t, dir, "config", "user.email", name+"@example.com")
	shell(t, dir, "config", "user.name", name)
	r, err := git.Open(t.Context(), dir)
	require.NoError(t, err)
	return clone{t, dir, r}
}

// place of production, where the last analysis passed.
func (c clone) place(change ...func(*ingit.Options)) (*ingit.Place, error) {
	branch, err := c.Tracked(c.t.Context())
	require.NoError(c.t, err)
	o := ingit.Options{
		Canary:     ingit.Canary{Model: "m", Environment: "production", Document: "docs/m.yaml", Trees: "deploy"},
		Repository: c.Repository, Branch: branch, Readiness: ingit.Unchecked{},
		Analysis: func() *gate.Analysis {
			return &gate.Analysis{Model: "m", Environment: "production", Baseline: "v1", Canary: "v2", Report: gate.Report{
				Verdict: gate.Pass, Metrics: []gate.Result{
					{Name: gate.Errors, Required: true, Verdict: gate.Pass, Unit: "share", Margin: new(1.)},
					{Name: gate.Aborts, Verdict: gate.Undecided, Unit: "share", Margin: new(1.)},
				},
			}}
		},
	}
	for _, f := range change {
		f(&o)
	}
	return ingit.New(c.t.Context(), o)
}

func (c clone) opened(change ...func(*ingit.Options)) *ingit.Place {
	p, err := c.place(change...)
	require.NoError(c.t, err)
	return p
}

func (c clone) read(p *ingit.Place) runner.State {
	s, err := p.Read(c.t.Context())
	require.NoError(c.t, err)
	return s
}

func refused(t *testing.T, err error, words string) {
	t.Helper()
	var refusal *runner.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.Contains(t, refusal.Words, words)
}

// TestAStep: one commit on the branch, of two lines of the document and those of the tree, which says why and by which figures;
// the work tree stays.
func TestAStep(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine, person := cloned(t, origin, "runner", false), cloned(t, origin, "ann", false)
	p := mine.opened()
	s := mine.read(p)
	assert.Equal(t, runner.State{Share: 0, Most: 100, Ready: true, Version: s.Version}, s)
	before := mine.git("rev-parse", "HEAD")
	require.NoError(t, p.Move(t.Context(), s, 5, "it answers"))

	person.git("pull", "--quiet")
	message := person.git("log", "-1", "--format=%B")
	assert.Equal(t, "Give v2 of m 5 % in production\n\nit answers\n\nproduction: v1 100, v2 0 → v1 95, v2 5", message[:strings.Index(message, "\n\n###")])
	assert.Contains(t, message, "| errors |")
	assert.NotContains(t, message, "aborts", "the table is shortened")
	assert.True(t, strings.HasSuffix(message, "By kservegen canary run."))
	changed := person.git("show", "--format=", "--name-only")
	assert.Equal(t, "deploy/m/overlays/production/patches/traffic.yaml\ndocs/m.yaml", changed)
	after, err := os.ReadFile(filepath.Join(person.dir, "docs/m.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(after), "# yours")
	assert.Contains(t, string(after), "{revision: v2, weight: 5}")
	assert.Equal(t, before, mine.git("rev-parse", "HEAD"), "the runner's own branch stays")
	assert.Empty(t, mine.git("status", "--porcelain"))

	s = mine.read(p)
	assert.Equal(t, 5, s.Share)
	assert.WithinDuration(t, time.Now(), s.Since, time.Minute)
	require.NoError(t, p.Move(t.Context(), s, 0, "errors: 3 % for 0.5 %"))
	s = mine.read(mine.opened())
	assert.Equal(t, 0, s.Share)
	assert.Contains(t, s.RolledBack, "Roll back v2 of m in production: errors: 3 % for 0.5 %")
	assert.False(t, s.Since.IsZero())

	again := mine.opened(func(o *ingit.Options) { o.Again = true })
	s = mine.read(again)
	assert.Empty(t, s.RolledBack)
	assert.True(t, s.Since.IsZero())
	require.NoError(t, again.Move(t.Context(), s, 5, "it answers"))
	require.NoError(t, again.Move(t.Context(), mine.read(again), 0, "errors again"))
	assert.Contains(t, mine.read(again).RolledBack, "errors again", "what this run did counts")
}

// TestNoCanary can be told from what a person has to put right.
func TestNoCanary(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine := cloned(t, origin, "runner", false)
	mine.rendered(strings.NewReplacer(", {name: v2, replicas: {max: 2}}", "", "  - {revision: v2, weight: 0}\n", "", "  rollout: {from: v1, to: v2}\n", "").Replace(document))
	mine.pushed("Finished")
	_, err := mine.opened().Read(t.Context())
	require.ErrorIs(t, err, ingit.ErrNoCanary)
	refused(t, err, "no canary of m runs in production on origin/main; kservegen canary start")
}

// TestTheTreeIsRendered: what a runner commits is what rendering the document gives, to the byte.
func TestTheTreeIsRendered(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine, person := cloned(t, origin, "runner", false), cloned(t, origin, "ann", false)
	p := mine.opened()
	for _, share := range []int{5, 50, 100, 0} {
		require.NoError(t, p.Move(t.Context(), mine.read(p), share, "why"))
		person.git("pull", "--quiet")
		text, err := os.ReadFile(filepath.Join(person.dir, "docs/m.yaml"))
		require.NoError(t, err)
		person.rendered(string(text))
		assert.Emptyf(t, person.git("status", "--porcelain"), "at %d %%", share)
	}
}

// TestOthersPushFirst: what is not about the canary does not stop a step, be it in the same files.
func TestOthersPushFirst(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine, person := cloned(t, origin, "runner", false), cloned(t, origin, "ann", false)
	p := mine.opened()
	s := mine.read(p)
	// The hook of the repository stands for somebody who is faster, twice.
	hook := "#!/bin/sh\nn=$(cat count 2>/dev/null || echo 0)\n[ $n -ge 2 ] && exit 0\necho $((n+1)) > count\n" +
		"unset GIT_QUARANTINE_PATH\nc=$(git commit-tree -p main -m \"other $n\" main^{tree})\ngit update-ref refs/heads/main $c\nexit 0\n"
	require.NoError(t, os.WriteFile(filepath.Join(origin, "hooks", "pre-receive"), []byte(hook), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(origin, "config"), append([]byte(read(t, origin, "config")), "[user]\n\tname = other\n\temail = other@example.com\n"...), 0o600))
	require.NoError(t, p.Move(t.Context(), s, 5, "why"))
	assert.Equal(t, "Give v2 of m 5 % in production\nother 1\nother 0\nStart v2 of m", shell(t, origin, "log", "--format=%s"))

	person.git("pull", "--quiet")
	person.write("docs/m.yaml", "# a comment\n"+read(t, person.dir, "docs/m.yaml"))
	person.pushed("A comment")
	require.NoError(t, p.Move(t.Context(), mine.read(p), 25, "why"))
	assert.Contains(t, shell(t, origin, "show", "main:docs/m.yaml"), "# a comment\n")
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(data)
}

// TestSomebodyElse: a share or a revision that somebody changed in the middle stops the run, by name, and nothing is written.
func TestSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ old, now, words string }{
		"another share":    {"{revision: v1, weight: 95} # yours\n      - {revision: v2, weight: 5}", "{revision: v1, weight: 60} # yours\n      - {revision: v2, weight: 40}", "(Theirs) gave v1 60, v2 40"},
		"another revision": {"replicas: {max: 2}", "replicas: {max: 3}", "(Theirs) changed m of the document while its canary ran"},
		"another plan":     {"rollout: {from: v1, to: v2}", "rollout: {from: v1, to: v2, steps: [50, 100]}", "(Theirs) changed m of the document while its canary ran"},
		"no canary":        {"rollout: {from: v1, to: v2}", "rollout: {from: v2, to: v1}", "(Theirs) changed m of the document while its canary ran"},
		"no document":      {"kind: ModelDeployment", "kind: Nothing", "docs/m.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin := bare(t)
			mine, person := cloned(t, origin, "runner", false), cloned(t, origin, "ann", false)
			p := mine.opened()
			require.NoError(t, p.Move(t.Context(), mine.read(p), 5, "why"))
			s := mine.read(p)
			person.git("pull", "--quiet")
			text := read(t, person.dir, "docs/m.yaml")
			old := test.old
			if name == "another share" { // production got a traffic of its own
				text = strings.NewReplacer("weight: 95", "weight: 60", "weight: 5}", "weight: 40}").Replace(text)
			} else {
				require.Contains(t, text, old)
				text = strings.ReplaceAll(text, old, test.now)
			}
			person.write("docs/m.yaml", text)
			person.pushed("Theirs")
			head := shell(t, origin, "rev-parse", "main")
			refused(t, p.Move(t.Context(), s, 25, "why"), test.words)
			_, err := p.Read(t.Context())
			refused(t, err, test.words)
			assert.Equal(t, head, shell(t, origin, "rev-parse", "main"))
		})
	}
}

// TestTheTreeIsOfAnotherDocument is refused: the step would change more than weights.
func TestTheTreeIsOfAnotherDocument(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	person := cloned(t, origin, "ann", false)
	person.write("docs/m.yaml", strings.Replace(document, "max: 2", "max: 3", 1))
	person.pushed("Not rendered")
	mine := cloned(t, origin, "runner", false)
	p := mine.opened()
	err := p.Move(t.Context(), mine.read(p), 5, "why")
	refused(t, err, "deploy/m is not what the document says: deploy/m/kservegen.lock; render it first")
	assert.NotContains(t, err.Error(), os.TempDir())
}

func TestWorkTreesThatAreRefused(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine := cloned(t, origin, "runner", false)
	mine.write("notes", "of somebody")
	mine.opened() // other files are nobody's business
	mine.write("docs/m.yaml", document+"# more\n")
	_, err := mine.place()
	refused(t, err, "not committed yet: docs/m.yaml")
	mine.git("commit", "--quiet", "-a", "--message", "Mine")
	_, err = mine.place()
	refused(t, err, "(Mine) is not on origin/main yet")
	mine.git("push", "--quiet")
	mine.opened()
}

// TestAShallowClone does not guess since when a share stands.
func TestAShallowClone(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	person := cloned(t, origin, "ann", false)
	p := person.opened()
	require.NoError(t, p.Move(t.Context(), person.read(p), 5, "why"))
	shallow := cloned(t, origin, "runner", true)
	_, err := shallow.opened().Read(t.Context())
	refused(t, err, "fetch-depth: 0")
	shallow.git("fetch", "--quiet", "--unshallow")
	assert.Equal(t, 5, shallow.read(shallow.opened()).Share)
}

// TestTheRecord: a share stands since the branch has it, whoever gave it; a comment does not begin it anew, and another
// revision does.
func TestTheRecord(t *testing.T) {
	t.Parallel()
	origin := bare(t)
	mine, person := cloned(t, origin, "runner", false), cloned(t, origin, "ann", false)
	p := mine.opened()
	require.NoError(t, p.Move(t.Context(), mine.read(p), 5, "why"))
	since := mine.read(p).Since
	person.git("pull", "--quiet")
	old := func(name, text, message string) time.Time {
		person.write(name, text)
		person.git("add", "--all")
		at := time.Now().Add(time.Hour).Truncate(time.Second)
		cmd := exec.CommandContext(t.Context(), "git", "-C", person.dir, "commit", "--quiet", "--message", message)
		cmd.Env = append(cmd.Environ(), "GIT_COMMITTER_DATE="+at.Format(time.RFC3339))
		require.NoError(t, cmd.Run())
		person.git("push", "--quiet")
		return at
	}
	text := read(t, person.dir, "docs/m.yaml")
	old("docs/m.yaml", text+"# a comment\n", "A comment")
	assert.Equal(t, since, mine.read(p).Since)
	text = strings.Replace(text, "max: 2", "max: 3", 1)
	later := old("docs/m.yaml", text, "Another v2")
	s := mine.read(mine.opened())
	assert.True(t, later.Equal(s.Since), "%s, want %s", s.Since, later)
}
