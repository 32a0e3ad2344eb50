package otherstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKServe judges what KServe's module carries besides code: its samples, and the manifests that install it.
func TestKServe(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/kserve/kserve").Output()
	require.NoError(t, err)
	root := strings.TrimSpace(string(out))
	for directory, least := range map[string]int{"docs/samples": 200, "config": 400} {
		t.Run(filepath.Base(directory), func(t *testing.T) {
			if testing.Short() && directory == "config" {
				t.Skip("Kustomize takes seconds for CRDs of 7 MB in several overlays")
			}
			r := Compare(t, "testdata/kserve-"+filepath.Base(directory)+".txt", root, directory)
			assert.GreaterOrEqual(t, r.Objects(), least)
			t.Log(r.Summary())
		})
	}
}

func TestListsNeedReasons(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "list.txt")
	write := func(text string) error {
		require.NoError(t, os.WriteFile(list, []byte(text), 0o600))
		_, err := readList(list)
		return err
	}
	require.NoError(t, write("# It is so.\na.yaml KG0001\n\n# And so.\nb.yaml KG0001 Service/web\n"))
	require.ErrorContains(t, write("# It is so.\n\na.yaml KG0001\n"), ":3: no comment above")
	require.ErrorContains(t, write("# It is so.\na.yaml KG0001\na.yaml KG0001\n"), ":3: is listed twice")
}
