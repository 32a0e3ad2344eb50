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

// TestGroupsComeBack: replicas over several nodes by Ray, by KServe and by LeaderWorkerSets, with environments.
func TestGroupsComeBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ray", "groups"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := os.Open("../../e2e/clients/testdata/" + name + ".yaml")
			require.NoError(t, err)
			defer file.Close()
			deployments, err := spec.Load(name, file)
			require.NoError(t, err)
			was, err := render.NewGenerator().Tree(deployments[0])
			require.NoError(t, err)
			dir := filepath.Join(t.TempDir(), was.Name)
			for _, one := range was.Files {
				path := filepath.Join(dir, filepath.FromSlash(one.Path))
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, one.Data, 0o644))
			}
			in, err := importer.Read(t.Context(), []string{dir}, nil, nil)
			require.NoError(t, err)
			proposal, err := importer.Import(in, importer.Options{})
			require.NoError(t, err)
			assert.Empty(t, proposal.Losses, proposal.Document)
			assert.Empty(t, proposal.Added, proposal.Document)
			deployments, err = spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
			require.NoError(t, err)
			is, err := render.NewGenerator().Tree(deployments[0])
			require.NoError(t, err)
			for i, one := range was.Files {
				assert.Equal(t, string(one.Data), string(is.Files[i].Data), "%s\n%s", one.Path, proposal.Document)
			}
		})
	}
}
