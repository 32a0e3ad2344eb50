package render_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

var update = flag.Bool("update", false, "write the golden files")

// TestWhatEnginesGet: the documents of testdata/gitops, each beside the files that make its engine pull it.
func TestWhatEnginesGet(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("testdata/gitops/*.yaml")
	require.NoError(t, err)
	require.Len(t, documents, 3)
	for _, document := range documents {
		t.Run(filepath.Base(document), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(document)
			require.NoError(t, err)
			golden := strings.TrimSuffix(document, ".yaml")
			if *update {
				require.NoError(t, os.RemoveAll(golden))
			}
			written := 0
			for path, want := range contents(tree(t, string(text))) {
				if strings.HasPrefix(path, "base/") || strings.HasPrefix(path, "overlays/") {
					continue
				}
				written++
				file := filepath.Join(golden, path)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
					require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
				}
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, want, string(data), "%s: go test ./pkg/render -run TestWhatEnginesGet -update", file)
			}
			files := 0
			require.NoError(t, filepath.WalkDir(golden, func(_ string, entry os.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					files++
				}
				return err
			}))
			assert.Equal(t, written, files, "%s holds files that are not rendered", golden)
		})
	}
}

// TestEnginesPullWhatIsThere: the path is that of the environment's overlay, what Flux waits for are the Deployments
// that KServe makes of the overlay's services and its LeaderWorkerSets, all of them, a server accepts the objects, and the folder builds
// to what was meant.
func TestEnginesPullWhatIsThere(t *testing.T) {
	t.Parallel()
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		m := load(rt, spectest.Document(rt))
		m.DefaultEngine(rapid.SampledFrom([]string{"", "flux", "argocd"}).Draw(rt, "engine"))
		rendered, err := render.NewGenerator().Tree(m)
		require.NoError(rt, err)
		files := contents(rendered)
		for i, environment := range rendered.Environments {
			how := m.Environments[i].GitOps
			require.Equal(rt, how != nil && how.Engine != "", environment.SyncFolder != "")
			if environment.SyncFolder == "" {
				continue
			}
			require.NotEmpty(rt, rendered.Lock.Engine())
			path := overlayOf(rt, environment.Sync)
			rest, ok := strings.CutPrefix(path, strings.TrimPrefix(how.Path+"/", "./"))
			require.True(rt, ok, "%s is not below %s", path, how.Path)
			inTree, ok := strings.CutPrefix(rest, rendered.Name+"/")
			require.True(rt, ok, path)
			require.Equal(rt, "overlays/"+environment.Name, inTree)
			require.Contains(rt, files, inTree+"/kustomization.yaml")
			if how.Engine == "flux" {
				require.ElementsMatch(rt, predictors(environment.Objects), checked(environment.Sync))
			}
			for _, object := range environment.Sync {
				problems, err := catalog.Validate(t.Context(), object)
				require.NoError(rt, err)
				require.Empty(rt, problems)
			}
			stream, err := render.Environment{Objects: environment.Sync}.Stream()
			require.NoError(rt, err)
			require.Equal(rt, string(stream), string(buildFolder(rt, files, environment.SyncFolder)))
		}
	})
}

// buildFolder runs Kustomize over a folder of a tree.
func buildFolder(t require.TestingT, files map[string]string, folder string) []byte {
	fsys := filesys.MakeFsInMemory()
	for path, data := range files {
		require.NoError(t, fsys.WriteFile("/tree/"+path, []byte(data)))
	}
	kustomizeMu.Lock()
	defer kustomizeMu.Unlock()
	built, err := render.Build(fsys, "/tree/"+folder)
	require.NoError(t, err)
	stream, err := built.AsYaml()
	require.NoError(t, err)
	return stream
}

func overlayOf(t require.TestingT, objects []map[string]any) string {
	for _, object := range objects {
		body, _ := object["spec"].(map[string]any)
		switch object["kind"] {
		case "Kustomization":
			path, ok := strings.CutPrefix(body["path"].(string), "./")
			require.True(t, ok)
			return path
		case "Application":
			return body["source"].(map[string]any)["path"].(string)
		}
	}
	require.Fail(t, "nothing is pulled")
	return ""
}

func predictors(objects []map[string]any) []string {
	var names []string
	for _, object := range objects {
		suffix, serves := map[any]string{"InferenceService": "-predictor", "LLMInferenceService": "-kserve", "LeaderWorkerSet": ""}[object["kind"]]
		if serves {
			meta := object["metadata"].(map[string]any)
			names = append(names, fmt.Sprintf("%s/%s%s", meta["namespace"], meta["name"], suffix))
		}
	}
	return names
}

func checked(objects []map[string]any) []string {
	i := slices.IndexFunc(objects, func(object map[string]any) bool { return object["kind"] == "Kustomization" })
	var names []string
	checks, _ := objects[i]["spec"].(map[string]any)["healthChecks"].([]any)
	for _, check := range checks {
		fields := check.(map[string]any)
		names = append(names, fmt.Sprintf("%s/%s", fields["namespace"], fields["name"]))
	}
	return names
}
