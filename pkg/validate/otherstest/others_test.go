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
	root := sourceOf(t, "github.com/kserve/kserve")
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

// TestLeaderWorkerSet judges the examples of LeaderWorkerSet: vLLM, SGLang, TensorRT-LLM and llama.cpp over several pods.
func TestLeaderWorkerSet(t *testing.T) {
	t.Parallel()
	r := Compare(t, "testdata/lws-examples.txt", sourceOf(t, "sigs.k8s.io/lws"), "docs/examples")
	assert.GreaterOrEqual(t, r.Objects(), 15)
}

// sourceOf is where a module that this one requires lies.
func sourceOf(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
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
