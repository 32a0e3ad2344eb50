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
	set.StringVar(&f.dump, "dump", filepath.Join(os.TempDir(), "kservegen-e2e"), "a folder for what is kept of a failure")
	set.IntVar(&f.rounds, "rounds", 1, "how many times the cases run on the cluster")
	require.NoError(t, set.Parse(flag.Args()))
	return f
}

func TestE2E(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster takes minutes")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	f := parse(t, root)
	s, err := suite.Up(t.Context(), suite.Options{Root: root, Tree: f.tree, Out: os.Stdout})
	if s != nil {
		t.Cleanup(func() {
			if t.Failed() {
				dump(t, s, f.dump)
			}
		})
	}
	require.NoError(t, err)
	e, err := s.Env(t.Context())
	require.NoError(t, err)
	for round := range f.rounds {
		name := "cases"
		if f.rounds > 1 {
			name = fmt.Sprintf("round %d", round+1)
		}
		t.Run(name, func(t *testing.T) { hold(t, e) })
	}
	if f.rounds == 1 {
		t.Run("broken", func(t *testing.T) { fail(t, e) })
	}
}

// hold runs every check: all must hold.
func hold(t *testing.T, e *cases.Env) {
	t.Helper()
	for _, c := range cases.All() {
		t.Run(c.Name, func(t *testing.T) {
			for _, check := range c.Checks {
				t.Run(check.Name, func(t *testing.T) {
					start := time.Now()
					err := check.Run(t.Context(), here(t, e))
					skipLacking(t, e, err)
					require.NoError(t, err)
					e.Figure("%s/%s holds, %.1f s", c.Name, check.Name, time.Since(start).Seconds())
				})
			}
		})
	}
}

// fail breaks what a check is about, on purpose, and wants the check to fail: a check that can't is none.
func fail(t *testing.T, e *cases.Env) {
	t.Helper()
	for _, c := range cases.All() {
		for _, check := range c.Checks {
			if check.Break == nil {
				continue
			}
			t.Run(c.Name+"/"+check.Name, func(t *testing.T) {
				t.Cleanup(func() {
					ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
					defer cancel()
					assert.NoError(t, e.Mend(ctx))
				})
				err := check.Break(t.Context(), here(t, e))
				skipLacking(t, e, err)
				require.NoError(t, err)
				err = check.Run(t.Context(), here(t, e))
				skipLacking(t, e, err)
				require.Error(t, err, "the check holds although what it is about was broken")
				e.Figure("%s/%s fails when broken: %v", c.Name, check.Name, err)
			})
		}
	}
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
