package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func root(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	return root
}

// TestReference is known also in a checkout that a link leads to: its checks must not be skipped.
func TestReference(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "checkout")
	require.NoError(t, os.Symlink(root(t), link))
	assert.True(t, same(DefaultTree(link), DefaultTree(root(t))))
	assert.False(t, same(filepath.Dir(DefaultTree(link)), DefaultTree(root(t))))
	assert.False(t, same(filepath.Join(link, "none"), filepath.Join(link, "none")))
}

// TestSimulatorImage is of the version that the suite builds.
func TestSimulatorImage(t *testing.T) {
	t.Parallel()
	image, err := simulatorImage(root(t))
	require.NoError(t, err)
	_, version, _ := strings.Cut(image, ":")
	pins, err := os.ReadFile(filepath.Join(root(t), "e2e", "tools", "simulator", "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(pins), "github.com/llm-d/llm-d-inference-sim "+version+" ")
}
