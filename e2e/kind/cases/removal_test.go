package cases

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/spec"
)

// TestWithout: what is left of the reference tree's document is one, with one revision and one environment.
func TestWithout(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../../overlays/deepseek-r1-distill-llama-8b-a10g/document.yaml")
	require.NoError(t, err)
	d, err := readDocument(content)
	require.NoError(t, err)
	left, err := without(d, "production", "deepseek-r1-v1")
	require.NoError(t, err)
	changed, err := yaml.Marshal(left)
	require.NoError(t, err)
	loaded, err := spec.Load("document.yaml", bytes.NewReader(changed))
	require.NoError(t, err, string(changed))
	require.Len(t, loaded, 1)
	require.Len(t, loaded[0].Document.Spec.Revisions, 1)
	assert.Equal(t, "v2", loaded[0].Document.Spec.Revisions[0].Name)
	assert.Empty(t, loaded[0].Document.Spec.Traffic)
	require.Len(t, loaded[0].Document.Spec.Environments, 1)
	assert.Equal(t, "production", loaded[0].Document.Spec.Environments[0].Name)

	d, err = readDocument(content)
	require.NoError(t, err)
	_, err = without(d, "production", "deepseek-r1-v3")
	var lacks LacksError
	assert.ErrorAs(t, err, &lacks)
}
