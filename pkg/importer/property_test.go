package importer_test

import (
	"flag"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

func renderText(t require.TestingT, document string) *render.Tree {
	deployments, err := spec.LoadAnyway("document.yaml", strings.NewReader(document)) // what was measured is not in a tree
	require.NoError(t, err, document)
	tree, err := render.NewGenerator().Tree(deployments[0])
	require.NoError(t, err, document)
	return tree
}

// objectsOf prints each object of an environment; their order may differ.
func objectsOf(t require.TestingT, e render.Environment) []string {
	var list []string
	for _, object := range slices.Concat(e.Objects, e.Sync) {
		data, err := manifest.Marshal(object)
		require.NoError(t, err)
		list = append(list, string(data))
	}
	return list
}

// TestAnyTreeComesBackOrSaysWhatDoesNot: whatever a document renders to, the proposed one renders to the same objects, or
// the report names a loss. Nothing is lost unseen.
func TestAnyTreeComesBackOrSaysWhatDoesNot(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a third of a second for each document")
	}
	most, checks := 40, flag.Lookup("rapid.checks")
	if checks.Value.String() != checks.DefValue {
		most = math.MaxInt
	}
	whole, lossy := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if whole+lossy >= most {
			return
		}
		original := spectest.Document(rt)
		tree := renderText(rt, original)
		var in importer.Input
		for _, e := range tree.Environments {
			one := importer.Environment{Name: e.Name, From: e.Name}
			for _, data := range slices.Concat(e.Objects, e.Sync) {
				one.Resources = append(one.Resources, manifest.Resource{Data: data})
			}
			in.Environments = append(in.Environments, one)
		}
		proposal, err := importer.Import(in, importer.Options{})
		require.NoError(rt, err, original)
		again := renderText(rt, proposal.Document)
		require.Len(rt, again.Environments, len(tree.Environments))
		if len(proposal.Losses)+len(proposal.Added) > 0 {
			lossy++
			return
		}
		whole++
		for i, e := range tree.Environments {
			require.ElementsMatch(rt, objectsOf(rt, e), objectsOf(rt, again.Environments[i]), "%s\n%s", original, proposal.Document)
		}
	})
	require.Positive(t, whole, "none came back whole, so that nothing was compared")
	t.Logf("%d came back whole, %d with a report", whole, lossy)
}
