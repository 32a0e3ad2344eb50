package schema_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/schema"
)

// TestBad validates testdata/bad/*.yaml. A line "# want: POINTER TYPE" stands for each problem and there must be no
// other; to add a case, add a file.
func TestBad(t *testing.T) {
	t.Parallel()
	c, err := schema.New(nil)
	require.NoError(t, err)
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 30, "the bad objects are gone")
	want := regexp.MustCompile(`(?m)^# want: (.+)$`)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			var expected []string
			for _, match := range want.FindAllStringSubmatch(string(source), -1) {
				expected = append(expected, match[1])
			}
			require.NotEmpty(t, expected, "a bad object needs a # want: line")
			problems, err := c.Validate(t.Context(), decode(t, source))
			require.NoError(t, err)
			var got []string
			for _, p := range problems {
				got = append(got, p.Path+" "+p.Type)
				assert.NotEmpty(t, p.Message)
			}
			assert.ElementsMatchf(t, expected, got, "%v", problems)
		})
	}
}

func decode(t testing.TB, source []byte) map[string]any {
	t.Helper()
	encoded, err := yaml.YAMLToJSON(source)
	require.NoError(t, err)
	var object map[string]any
	require.NoError(t, unmarshal(encoded, &object))
	return object
}
