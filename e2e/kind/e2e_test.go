// Package kind_test runs the cases in a real cluster. It brings the cluster up as far as it isn't, and leaves it:
// `make e2e-down` removes it.
package kind_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	s, err := suite.Up(t.Context(), suite.Options{Root: root, Tree: f.tree, Out: os.Stdout})
	if notRun := (suite.NotRunError{}); errors.As(err, &notRun) {
		t.Skip(notRun) // a skipped test, since nothing of the tree was proved with traffic
	}
	if err != nil && s != nil {
		dump(t, s, filepath.Join(f.dump, "up"))
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Figures()
		assert.NoError(t, s.Close())
	})
	keep := func(t *testing.T, what string) { dump(t, s, filepath.Join(f.dump, what)) }
	e, err := s.Env(t.Context())
	require.NoError(t, err)
	for round := range f.rounds {
		name := "cases"
		if f.rounds > 1 {
			name = fmt.Sprintf("round %d", round+1)
		}
		t.Run(name, func(t *testing.T) { hold(t, e, keep, s.Timed) })
	}
	if f.rounds == 1 {
		s.Timed("mistakes", func() { t.Run("mistakes", func(t *testing.T) { fail(t, e, keep) }) })
	}
}

// hold runs every check: all must hold. Without a model that serves the others would only take their time to fail.
// What there is to know about a failure is kept at once, since the next check changes it.
func hold(t *testing.T, e *cases.Env, keep func(*testing.T, string), timed func(string, func())) {
	t.Helper()
	for i, c := range cases.All() {
		if i > 0 && t.Failed() && cases.All()[i-1].Name == "serve" {
			t.Fatal("the tree does not serve")
		}
		timed(c.Name, func() { t.Run(c.Name, func(t *testing.T) { each(t, e, c, keep) }) })
	}
}

// each runs the checks of a case.
func each(t *testing.T, e *cases.Env, c cases.Case, keep func(*testing.T, string)) {
	t.Helper()
	if c.After != nil {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute)
			defer cancel()
			assert.NoError(t, c.After(ctx, e))
		})
	}
	for _, check := range c.Checks {
		t.Run(check.Name, func(t *testing.T) {
			start := time.Now()
			err := check.Run(t.Context(), here(t, e))
			skipLacking(t, e, err)
			if err != nil {
				keep(t, c.Name+"-"+check.Name)
			}
			require.NoError(t, err)
			e.Figure("%s/%s holds, %.1f s", c.Name, check.Name, time.Since(start).Seconds())
		})
	}
}

// fail makes each mistake on purpose, and wants the checks that are about it to fail: a check that can't is none.
func fail(t *testing.T, e *cases.Env, keep func(*testing.T, string)) {
	t.Helper()
	for _, mistake := range cases.Mistakes() {
		t.Run(mistake.Name, func(t *testing.T) {
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
				defer cancel()
				assert.NoError(t, e.Mend(ctx))
			})
			wrong := here(t, e)
			err := mistake.Make(t.Context(), wrong)
			skipLacking(t, e, err)
			require.NoError(t, err)
			for _, name := range mistake.Noticed {
				check, found := cases.Find(name)
				require.True(t, found, name)
				t.Run(name, func(t *testing.T) { notice(t, wrong, check, keep) })
			}
		})
	}
}

// notice wants a check to find that what it is about does not hold.
func notice(t *testing.T, e *cases.Env, check cases.Check, keep func(*testing.T, string)) {
	t.Helper()
	err := check.Run(t.Context(), here(t, e))
	skipLacking(t, e, err)
	var violated cases.ViolatedError
	if !errors.As(err, &violated) {
		keep(t, "mistake-"+strings.ReplaceAll(check.Name, " ", "-"))
	}
	require.ErrorAs(t, err, &violated, "the check holds, or fails for another reason, although what it is about was broken")
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
		t.Logf("keeping logs: %v", err)
	}
	t.Logf("objects, events, logs and Envoy's configuration are in %s", dir)
}
