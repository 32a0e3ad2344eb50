package spectest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

func load(t *rapid.T, document string) *spec.Deployment {
	t.Helper()
	deployments, err := spec.Load("document.yaml", strings.NewReader(document))
	require.NoErrorf(t, err, "%s", document)
	require.Len(t, deployments, 1)
	return deployments[0]
}

func TestEveryDrawnDocumentLoads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { load(t, spectest.Document(t)) })
}

func TestEveryChangedDocumentLoads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		params := spectest.Draw(t)
		written := params.YAML()
		before := load(t, written)

		added := load(t, params.AddRevision("0123456789").YAML())
		assert.Len(t, added.Document.Spec.Revisions, len(params.Revisions())+1)
		assert.Equal(t, before.Name, added.Name)

		load(t, params.SetWeights(t).YAML())
		if len(params.Revisions()) > 1 {
			index := rapid.IntRange(0, len(params.Revisions())-1).Draw(t, "index")
			removed := load(t, params.RemoveRevision(index).YAML())
			assert.Len(t, removed.Document.Spec.Revisions, len(params.Revisions())-1)
		}
		assert.Equal(t, written, params.YAML(), "a method changed the document that it was called on")
	})
}

func TestShuffledSaysTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		params := spectest.Draw(t)
		before, after := load(t, params.YAML()), load(t, params.Shuffled(t).YAML())
		assert.Equal(t, before.Base, after.Base)
		assert.Equal(t, before.Environments, after.Environments)
	})
}
