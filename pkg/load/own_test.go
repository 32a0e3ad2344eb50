package load_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

// bothWays reads a directory directly and by Kustomize; everything must be the same but the nodes' identity.
func bothWays(t require.TestingT, dir string) []load.Set {
	direct, findings, err := load.Load(context.Background(), []string{dir}, load.Options{})
	require.NoError(t, err)
	built, expected, err := load.Load(context.Background(), []string{dir}, load.Options{Kustomize: true})
	require.NoError(t, err)
	require.Equal(t, expected, findings)
	require.Len(t, direct, len(built))
	for i := range built {
		require.Equal(t, built[i].Name, direct[i].Name)
		require.Equal(t, built[i].Incomplete, direct[i].Incomplete)
		require.Equal(t, files(built[i].Kustomizations), files(direct[i].Kustomizations))
		require.Len(t, direct[i].Resources, len(built[i].Resources))
		for j, want := range built[i].Resources {
			got := direct[i].Resources[j]
			require.Equal(t, want.Data, got.Data, got.Name())
			scalars("", want.Data, func(pointer string, _ any) {
				require.Equal(t, want.At(pointer), got.At(pointer), "%s %s %s", got.Kind(), got.Name(), pointer)
			})
		}
	}
	return direct
}

func files(resources []manifest.Resource) []string {
	var list []string
	for _, r := range resources {
		list = append(list, r.File)
	}
	return list
}

func TestDirectIsAsKustomizeOnReferenceTrees(t *testing.T) {
	sets := bothWays(t, "../../overlays")
	require.GreaterOrEqual(t, len(sets), 11)
	for _, set := range sets {
		placesAreTrue(t, set)
		assert.True(t, load.Direct(set.Name), "%s was built by kustomize", set.Name)
	}
}

func TestDirectIsAsKustomizeOnRandomTrees(t *testing.T) {
	trees := 20
	if testing.Short() {
		trees = 4
	}
	documents := rapid.Custom(spectest.Document)
	for seed := range trees {
		dir := t.TempDir()
		writeTree(t, dir, documents.Example(seed))
		for _, set := range bothWays(t, dir) {
			assert.True(t, load.Direct(set.Name), "%s was built by kustomize", set.Name)
		}
	}
}

// writeTree renders a document.
func writeTree(t require.TestingT, dir, document string) {
	deployments, err := spec.Load("document.yaml", strings.NewReader(document))
	require.NoError(t, err)
	generator := render.NewGenerator()
	for _, deployment := range deployments {
		tree, err := generator.Tree(deployment)
		require.NoError(t, err)
		lock, err := tree.Lock.Bytes()
		require.NoError(t, err)
		for _, file := range append(tree.Files, render.File{Path: render.LockFile, Data: lock}) {
			path := filepath.Join(dir, tree.Name, file.Path)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, file.Data, 0o600))
		}
	}
}

// Whatever a person changes in a tree, the direct way gives what Kustomize gives.
func TestDirectFollowsEdits(t *testing.T) {
	for name, edit := range map[string]struct{ file, from, to string }{
		"weight":            {"overlays/production/patches/traffic.yaml", "value: 90", "value: 80"},
		"base object":       {"base/service.yaml", "port: 80", "port: 81"},
		"base order":        {"base/kustomization.yaml", "- serviceaccount.yaml\n", ""},
		"test that fails":   {"base/virtualservice.yaml", "-v1-predictor", "-v9-predictor"},
		"custom prefix":     {"overlays/production/custom/kustomization.yaml", "patches: []", "namePrefix: x-\npatches: []"},
		"custom patch":      {"overlays/production/custom/kustomization.yaml", "patches: []", "patches:\n- target: {kind: Service}\n  patch: |-\n    - {op: replace, path: /spec/ports/0/port, value: 99}"},
		"overlay namespace": {"overlays/production/kustomization.yaml", "resources:", "namespace: other\nresources:"},
		"patch":             {"overlays/production/patches/kustomization.yaml", "kind: Component", "kind: Component\ncommonAnnotations: {a: b}"},
		"lock":              {"kservegen.lock", "sha256:", "sha256:0"},
		"syntax":            {"base/service.yaml", "spec:", "spec: ["},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS("../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1")))
			path := filepath.Join(dir, edit.file)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(data), edit.from)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), edit.from, edit.to, 1)), 0o600))
			assert.NotEmpty(t, bothWays(t, dir))
		})
	}
}
