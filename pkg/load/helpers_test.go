package load_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// unpack writes an archive into a new directory and goes there, so that paths in tests are relative.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, file.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, file.Data, 0o600))
	}
	return dir
}

func read(t *testing.T, paths ...string) ([]load.Set, []finding.Finding) {
	t.Helper()
	sets, findings, err := load.Load(t.Context(), paths, load.Options{})
	require.NoError(t, err)
	return sets, findings
}

// one returns the only set, which must be whole and without findings.
func one(t *testing.T, paths ...string) load.Set {
	t.Helper()
	sets, findings := read(t, paths...)
	require.Empty(t, findings)
	require.Len(t, sets, 1)
	require.False(t, sets[0].Incomplete)
	return sets[0]
}

func object(t *testing.T, set load.Set, kind string) manifest.Resource {
	t.Helper()
	for _, resource := range set.Resources {
		if resource.Kind() == kind {
			return resource
		}
	}
	require.Failf(t, "missing", "no %s in %s", kind, set.Name)
	return manifest.Resource{}
}

// text returns what stands at a place, up to the end of the line.
func text(t *testing.T, place manifest.Place) string {
	t.Helper()
	data, err := os.ReadFile(place.File)
	require.NoError(t, err)
	lines := strings.Split(string(data), "\n")
	require.Positive(t, place.Line)
	require.LessOrEqual(t, place.Line, len(lines))
	line := lines[place.Line-1]
	require.Positive(t, place.Column)
	require.LessOrEqual(t, place.Column-1, len(line))
	return line[place.Column-1:]
}

func codes(findings []finding.Finding) []string {
	list := []string{}
	for _, f := range findings {
		list = append(list, f.Code)
	}
	return list
}
