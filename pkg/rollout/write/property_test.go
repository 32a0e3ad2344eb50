package write_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/rollout/write"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
	"github.com/kservegen/kservegen/pkg/txn"
)

// TestTreeFollowsEveryStep: after any step on any document the directory holds exactly what the document renders to, so that
// no weight leads to a revision that is not there, and the next step finds a current tree. A step of weights writes nothing
// but the document and traffic files, and one that begins or ends copies the routes besides.
func TestTreeFollowsEveryStep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		root := filepath.Join(dir, fmt.Sprint(runs))
		trees, file := filepath.Join(root, "deploy"), filepath.Join(root, "d.yaml")
		require.NoError(rt, os.MkdirAll(root, 0o755))
		require.NoError(rt, os.WriteFile(file, []byte(spectest.Document(rt)), 0o600))
		defer os.RemoveAll(root)
		current(rt, file, trees, true)
		for range rapid.IntRange(1, 2).Draw(rt, "steps") {
			d := read(rt, file)
			var environments []string
			if rapid.Bool().Draw(rt, "in one environment") {
				environments = []string{rapid.SampledFrom(d.Environments).Draw(rt, "environment").Environment}
			}
			var change steps.Change
			var err error
			weights := true
			switch rapid.SampledFrom([]string{"start", "step", "promote", "abort", "finish"}).Draw(rt, "step") {
			case "start":
				weights = false
				change, err = d.Start(environments, steps.Start{Name: "canary", Set: []steps.Setting{{Path: "runtime.env.CANARY", Value: "'1'"}}})
			case "step":
				change, err = d.Step(environments)
			case "promote":
				change, err = d.Promote(environments, "")
			case "abort":
				change, err = d.Abort(environments)
			case "finish":
				weights = false
				change, err = d.Finish(environments, nil)
			}
			if err != nil {
				require.True(rt, steps.Refused(err), err)
				continue
			}
			plan, err := write.Make(trees, write.Change{File: file, Data: change.Data, Before: d.Deployment, After: change.After})
			require.NoError(rt, err)
			for _, c := range plan.Changes {
				require.True(rt, !weights || c.Path == "d.yaml" || ofStep(filepath.Base(c.Path), copies(change)), c.Path)
			}
			_, err = plan.Commit(t.Context(), txn.Options{})
			require.NoError(rt, err)
			current(rt, file, trees, false)
		}
	})
}

// ofStep reports a file that a step of weights may write.
func ofStep(name string, copies bool) bool {
	routes := []string{"virtualservice", "httproute", "kustomization.yaml", "kservegen.lock"}
	return strings.HasPrefix(name, "traffic") || copies && slices.ContainsFunc(routes, func(route string) bool { return strings.HasPrefix(name, route) })
}

// copies reports that a step begins or ends them.
func copies(change steps.Change) bool {
	of := func(shares []steps.Share) map[string]int {
		found := map[string]int{}
		for _, share := range shares {
			if share.Mirror > 0 {
				found[share.Revision] = share.Mirror
			}
		}
		return found
	}
	return slices.ContainsFunc(change.Shifts, func(s steps.Shift) bool { return !maps.Equal(of(s.Before), of(s.After)) })
}

func read(t require.TestingT, file string) *steps.Document {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	d, err := steps.Open(file, data, "")
	require.NoError(t, err)
	return d
}

// current writes the tree of a document, or wants it to be there.
func current(t require.TestingT, file, trees string, first bool) {
	tree, err := render.NewGenerator().Tree(read(t, file).Deployment)
	require.NoError(t, err)
	root, err := os.OpenRoot(trees)
	disk := render.Empty()
	if err == nil {
		defer root.Close()
		disk = root.FS()
	} else {
		require.True(t, errors.Is(err, os.ErrNotExist) && first, err)
	}
	update, err := render.Reconcile(disk, []*render.Tree{tree}, render.Options{})
	require.NoError(t, err)
	if first {
		_, err = txn.Commit(context.Background(), trees, update.Changes, txn.Options{})
		require.NoError(t, err)
		return
	}
	require.Empty(t, update.Changes)
	require.Empty(t, update.Conflicts)
}
