package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// TestReferenceTreesComeBack: each reference tree gives a document that renders to the same files, byte for byte. The lock
// has a digest of the document besides, which says more than the tree does: the gateway's certificate, for example.
func TestReferenceTreesComeBack(t *testing.T) {
	t.Parallel()
	locks, err := filepath.Glob("../../overlays/*/*/kservegen.lock")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(locks), 8, "the reference trees are gone")
	for _, lock := range locks {
		dir := filepath.Dir(lock)
		if filepath.Base(dir) == render.SharedName { // no model
			continue
		}
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			t.Parallel()
			in, err := importer.Read(t.Context(), []string{dir}, nil, nil)
			require.NoError(t, err)
			proposal, err := importer.Import(in, importer.Options{})
			require.NoError(t, err)
			assert.Empty(t, proposal.Losses, proposal.Document)
			assert.Empty(t, proposal.Added, proposal.Document)
			deployments, err := spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
			require.NoError(t, err)
			tree, err := render.NewGenerator().Tree(deployments[0])
			require.NoError(t, err)
			for _, file := range tree.Files {
				want, readErr := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file.Path)))
				require.NoError(t, readErr, file.Path)
				assert.Equal(t, string(want), string(file.Data), "%s\n%s", file.Path, proposal.Document)
			}
			was, err := os.ReadFile(lock)
			require.NoError(t, err)
			written, err := render.ReadLock(lock, was)
			require.NoError(t, err)
			assert.Equal(t, written.Files, tree.Lock.Files)
		})
	}
}

// TestWhatModelsShareIsReadForEach: the list and the quota of a shared tree are inferred for each model, as far as they are its own.
func TestWhatModelsShareIsReadForEach(t *testing.T) {
	t.Parallel()
	const root = "../../overlays/two-models-one-host/"
	for _, model := range []string{"deepseek-r1", "gpt-oss"} {
		in, err := importer.Read(t.Context(), []string{root + model + "/overlays/production", root + render.SharedName + "/overlays/production"}, nil, nil)
		require.NoError(t, err)
		proposal, err := importer.Import(in, importer.Options{})
		require.NoError(t, err)
		assert.Empty(t, proposal.Losses, proposal.Document)
		deployments, err := spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
		require.NoError(t, err)
		target := deployments[0].Environments[0]
		assert.True(t, target.ListsModel(), proposal.Document)
		assert.Equal(t, &spec.Quota{Devices: "6"}, target.Quota)

		alone, err := importer.Read(t.Context(), []string{root + model + "/overlays/production"}, nil, nil)
		require.NoError(t, err)
		proposal, err = importer.Import(alone, importer.Options{})
		require.NoError(t, err)
		assert.NotContains(t, proposal.Document, "modelList")
		assert.NotContains(t, proposal.Document, "quota")
	}
}
