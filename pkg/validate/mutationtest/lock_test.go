package mutationtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// locked is a copy of an overlay's tree. Who drops an object of one takes its line out of a kustomization; what the
// tree's lock says then is counted apart, for trees of others have none.
type locked struct {
	overlay string
	objects []manifest.Resource
}

func newLocked(t *testing.T, overlay string) locked {
	t.Helper()
	tree := filepath.Dir(filepath.Dir(overlay))
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(tree)))
	l := locked{overlay: filepath.Join(dir, "overlays", filepath.Base(overlay))}
	sets, findings := l.load(t)
	require.Empty(t, findings)
	require.Len(t, sets, 1)
	l.objects = sets[0].Resources
	return l
}

func (l locked) load(t *testing.T) ([]load.Set, []finding.Finding) {
	t.Helper()
	sets, findings, err := load.Load(t.Context(), []string{l.overlay}, load.Options{})
	require.NoError(t, err)
	return sets, findings
}

// misses says whether reading the tree without an object's line is told.
func (l locked) misses(t *testing.T, object map[string]any) bool {
	t.Helper()
	i := slices.IndexFunc(l.objects, func(r manifest.Resource) bool { return r.Kind() == object["kind"] && r.Name() == nameOf(object) })
	require.GreaterOrEqual(t, i, 0)
	file := l.objects[i].File
	path := filepath.Join(filepath.Dir(file), "kustomization.yaml")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	without := strings.Replace(string(content), "- "+filepath.Base(file)+"\n", "", 1)
	require.NotEqual(t, string(content), without)
	require.NoError(t, os.WriteFile(path, []byte(without), 0o600))
	_, findings := l.load(t)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Code == load.CodeLost })
}
