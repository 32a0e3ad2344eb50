package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Each file of testdata/bad says on the line of a mistake what Load must report there, as `# want: text`; what
// belongs to the whole file as `# want file: text`.
func TestBadDocuments(t *testing.T) {
	t.Parallel()
	for _, path := range glob(t, "testdata/bad/*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			wants := wantsOf(data)
			require.NotEmpty(t, wants, "%s says nothing about its mistake", path)
			deployments, err := spec.Load(path, bytes.NewReader(data))
			assert.Nil(t, deployments)
			for _, problem := range problemsOf(t, err) {
				assert.Equal(t, path, problem.File)
				assert.Truef(t, take(wants, problem), "not wanted: %s", problem.Error())
			}
			for line, texts := range wants {
				assert.Emptyf(t, texts, "line %d: nobody said this", line)
			}
		})
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}

func wantsOf(data []byte) map[int][]string {
	wants := map[int][]string{}
	for i, line := range strings.Split(string(data), "\n") {
		if text, ok := strings.CutPrefix(line, "# want file: "); ok {
			wants[0] = append(wants[0], text)
			continue
		}
		_, rest, ok := strings.Cut(line, "# want: ")
		if !ok {
			continue
		}
		for _, text := range strings.Split(rest, "# want: ") {
			wants[i+1] = append(wants[i+1], strings.TrimSpace(text))
		}
	}
	return wants
}

// take finds a want that a problem meets and strikes it off.
func take(wants map[int][]string, problem manifest.Problem) bool {
	for i, text := range wants[problem.Line] {
		if strings.Contains(problem.Message, text) {
			wants[problem.Line] = append(wants[problem.Line][:i], wants[problem.Line][i+1:]...)
			return true
		}
	}
	return false
}

func problemsOf(t *testing.T, err error) manifest.Problems {
	t.Helper()
	var problems manifest.Problems
	require.ErrorAs(t, err, &problems)
	return problems
}
