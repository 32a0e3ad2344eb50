package schema_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/schema"
)

// TestKindsThatAreGone: the message says what to write instead, which no list of known kinds does.
func TestKindsThatAreGone(t *testing.T) {
	t.Parallel()
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	for head, use := range map[[2]string]string{
		{"extensions/v1beta1", "Deployment"}:                 "use apps/v1",
		{"extensions/v1beta1", "Ingress"}:                    "use networking.k8s.io/v1",
		{"policy/v1beta1", "PodSecurityPolicy"}:              "Pod Security admission",
		{"serving.kubeflow.org/v1beta1", "InferenceService"}: "use serving.kserve.io/v1beta1",
	} {
		var problems []schema.Problem
		problems, err = catalog.Validate(t.Context(), map[string]any{"apiVersion": head[0], "kind": head[1], "metadata": map[string]any{"name": "a"}})
		require.NoError(t, err, head)
		require.Len(t, problems, 1, head)
		assert.Equal(t, "/apiVersion", problems[0].Path)
		assert.Contains(t, problems[0].Message, use)
	}
	_, err = catalog.Validate(t.Context(), map[string]any{"apiVersion": "extensions/v1beta1", "kind": "Other", "metadata": map[string]any{"name": "a"}})
	assert.ErrorIs(t, err, schema.ErrForeign)
}
