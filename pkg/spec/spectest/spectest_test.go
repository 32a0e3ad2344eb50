package spectest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

func load(t *rapid.T, document string) *spec.Deployment {
	deployments, err := spec.Load("document.yaml", strings.NewReader(document))
	require.NoErrorf(t, err, "%s", document)
	require.Len(t, deployments, 1)
	return deployments[0]
}

func TestEveryDrawnDocumentLoads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { load(t, spectest.Document(t)) })
}
