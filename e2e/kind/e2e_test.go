// Package kind_test runs the cases in a real cluster. It brings the cluster up as far as it isn't, and leaves it:
// `make e2e-down` removes it.
package kind_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/kind/cases"
	"github.com/kservegen/kservegen/e2e/kind/suite"
)

// flags of `go test -args`.
type flags struct {
	tree, dump string
	rounds     int
}

func parse(t *testing.T, root string) flags {
	t.Helper()
	var f flags
	set := flag.NewFlagSet("e2e", flag.ContinueOnError)
	set.StringVar(&f.tree, "tree", suite.DefaultTree(root), "the folder of the kustomization")
	set.StringVar(&f.dump, "dump", filepath.Join("..", "..", "bin", "logs"), "a folder for what is kept of a failure")
	set.IntVar(&f.rounds, "rounds", 1, "how many times the cases run on the cluster")
	require.NoError(t, set.Parse(flag.Args()))
	return f
}

func TestE2E(t *testing.T) {
	if os.Getenv("KSERVEGEN_E2E") == "" {
		t.Skip("it builds a cluster, as root: make e2e")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	f := parse(t, root)
	ctx := interruptible(t)
	s, err := suite.Up(ctx, suite.Options{Root: root, Tree: f.tree, Out: os.Stdout})
	if notRun := (suite.NotRunError{}); errors.As(err, &notRun) {
		t.Skip(notRun) // a skipped test, since nothing of the tree was proved with traffic
	}
	if s != nil {
		t.Cleanup(func() {
			s.Figures()
			assert.NoError(t, s.Close())
		})
	}
	if err != nil && s != nil && ctx.Err() == nil {
		dump(t, s, filepath.Join(f.dump, "up"))
	}
	require.NoError(t, err)
	keep := func(t *testing.T, what string) { dump(t, s, filepath.Join(f.dump, what)) }
	e, err := s.Env(t.Context())
	require.NoError(t, err)
	for round := range f.rounds {
		name := "cases"
		if f.rounds > 1 {
			name = fmt.Sprintf("round %d", round+1)
		}
		t.Run(name, func(t *testing.T) { hold(ctx, t, e, cases.All(), keep, s.Timed) })
	}
	for _, run := range []struct {
		cases.Case
		mistakes []cases.Mistake
		// lacks says that the tree has nothing for the run.
		lacks bool
	}{
		{cases.Flux(), nil, false},
		{cases.Scaling(), cases.ScalingMistakes(), len(e.Tree.Scaled) > 0},
		{cases.KEDA(), cases.KEDAMistakes(), len(e.Tree.Scaled) == 0},
		{cases.Rollout(), nil, len(e.Tree.Shares()) < 2},
		{cases.Shared(), nil, false},
		{cases.Users(), nil, false},
		{cases.Chat(), cases.ChatMistakes(), e.Tree.Chat == nil},
	} {
		t.Run(run.Name, func(t *testing.T) {
			if run.lacks {
				t.Skip("the tree has nothing for it: an autoscaler of that kind, two revisions, or a page")
			}
			s.Timed(run.Name, func() { each(ctx, t, e, run.Case, keep) })
			fail(ctx, t, e, run.mistakes, keep, s.Timed)
		})
	}
	t.Run("mistakes", func(t *testing.T) { fail(ctx, t, e, cases.Mistakes(), keep, s.Timed) })
}

// interruptible ends with the first signal, so that nothing more begins: what is being built is removed, and a check
// that runs goes on until it has undone what it changed. The second signal ends the process at once.
func interruptible(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		fmt.Println("interrupted: what runs is undone first; interrupt once more to end at once")
		stop()
	})
	return ctx
}

// hold runs every check: all must hold. Without a model that serves the others would only take their time to fail.
// What there is to know about a failure is kept at once, since the next check changes it.
func hold(ctx context.Context, t *testing.T, e *cases.Env, all []cases.Case, keep func(*testing.T, string), timed func(string, func())) {
	t.Helper()
	for i, c := range all {
		if i > 0 && t.Failed() && all[i-1].Name == "serve" {
			t.Fatal("the tree does not serve")
		}
		timed(c.Name, func() { t.Run(c.Name, func(t *testing.T) { each(ctx, t, e, c, keep) }) })
	}
}

// each runs the checks of a case.
func each(ctx context.Context, t *testing.T, e *cases.Env, c cases.Case, keep func(*testing.T, string)) {
	t.Helper()
	if c.After != nil {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute)
			defer cancel()
			assert.NoError(t, c.After(ctx, e))
		})
	}
	if c.Before != nil {
		require.NoError(t, c.Before(ctx, e))
	}
	for _, check := range c.Checks {
		require.NoError(t, ctx.Err(), "interrupted")
		t.Run(check.Name, func(t *testing.T) {
			start := time.Now()
			own := here(t, e)
			kept := false
			own.Keep = func() {
				if kept {
					return // a second time it would be of what was undone
				}
				kept = true
				keep(t, strings.ReplaceAll(c.Name+"-"+check.Name, " ", "-"))
			}
			err := check.Run(t.Context(), own)
			skipLacking(t, e, err)
			if err != nil {
				own.Keep()
			}
			require.NoError(t, err)
			e.Figure("%s/%s holds, %.1f s", c.Name, check.Name, time.Since(start).Seconds())
		})
	}
}

// fail makes each mistake on purpose, and wants the checks that are about it to fail: a check that can't is none.
func fail(ctx context.Context, t *testing.T, e *cases.Env, all []cases.Mistake, keep func(*testing.T, string), timed func(string, func())) {
	t.Helper()
	for _, mistake := range all {
		timed(mistake.Name, func() { t.Run(mistake.Name, func(t *testing.T) { mistaken(ctx, t, e, mistake, keep) }) })
	}
}

// mistaken makes one, has the checks notice it, and mends it.
func mistaken(ctx context.Context, t *testing.T, e *cases.Env, mistake cases.Mistake, keep func(*testing.T, string)) {
	t.Helper()
	require.NoError(t, ctx.Err(), "interrupted")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
		defer cancel()
		err := e.Mend(ctx)
		if err != nil {
			keep(t, "mending-"+strings.ReplaceAll(mistake.Name, " ", "-"))
		}
		assert.NoError(t, err)
	})
	wrong := here(t, e)
	err := mistake.Make(t.Context(), wrong)
	skipLacking(t, e, err)
	if err != nil {
		keep(t, "mistake-"+strings.ReplaceAll(mistake.Name, " ", "-"))
	}
	require.NoError(t, err)
	for _, name := range mistake.Noticed {
		require.NoError(t, ctx.Err(), "interrupted")
		check, found := cases.Find(name)
		require.True(t, found, name)
		t.Run(name, func(t *testing.T) { notice(t, wrong, check, mistake.Says, keep) })
	}
}

// notice wants a check to find that what it is about does not hold.
func notice(t *testing.T, e *cases.Env, check cases.Check, says string, keep func(*testing.T, string)) {
	t.Helper()
	err := check.Run(t.Context(), here(t, e))
	skipLacking(t, e, err)
	var violated cases.ViolatedError
	if !errors.As(err, &violated) {
		keep(t, "mistake-"+strings.ReplaceAll(check.Name, " ", "-"))
	}
	require.ErrorAs(t, err, &violated, "the check holds, or fails for another reason, although what it is about was broken")
	require.ErrorContains(t, err, says)
	e.Figure("%s notices: %v", check.Name, err)
}

// skipLacking skips what a person's own tree has nothing for. The reference tree has something for every check.
func skipLacking(t *testing.T, e *cases.Env, err error) {
	t.Helper()
	var lacks cases.LacksError
	if errors.As(err, &lacks) && !e.Reference {
		t.Skip(lacks.Error())
	}
}

// here is the environment with the test's own temporary folders.
func here(t *testing.T, e *cases.Env) *cases.Env {
	t.Helper()
	own := *e
	own.Temporary = t.TempDir
	return &own
}

// dump keeps what there is to know about a failure.
func dump(t *testing.T, s *suite.Suite, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := s.Dump(ctx, dir); err != nil {
		t.Logf("what there is to know is not, or not all, in %s: %v", dir, err)
		return
	}
	t.Logf("objects, events, logs and Envoy's configuration are in %s", dir)
}
