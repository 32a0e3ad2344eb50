package load_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// kustomizeBuild is the oracle: what a person gets.
func kustomizeBuild(t *testing.T, fsys filesys.FileSystem, dir string) resmap.ResMap {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // as the command line has it
	built, err := krusty.MakeKustomizer(options).Run(fsys, dir)
	require.NoError(t, err)
	return built
}

// asServed reads a printed object as kubectl and the API server do.
func asServed(t *testing.T, printed []byte) map[string]any {
	t.Helper()
	encoded, err := yaml.YAMLToJSON(printed)
	require.NoError(t, err)
	var data map[string]any
	require.NoError(t, utiljson.Unmarshal(encoded, &data))
	return data
}

// annotated is the same directory with origin annotations on, in memory.
func annotated(t *testing.T, root string) filesys.FileSystem {
	t.Helper()
	fsys := filesys.MakeFsInMemory()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if entry.Name() == "kustomization.yaml" && !strings.Contains(string(data), "kind: Component") {
			data = append(data, "\nbuildMetadata: [originAnnotations]\n"...)
		}
		return fsys.WriteFile(path, data)
	}))
	return fsys
}

// same compares a set with Kustomize's build: the objects, and the file that each comes from.
func same(t *testing.T, root string, set load.Set) {
	t.Helper()
	built := kustomizeBuild(t, filesys.MakeFsOnDisk(), set.Name).Resources()
	origins := kustomizeBuild(t, annotated(t, root), set.Name).Resources()
	require.Len(t, set.Resources, len(built))
	for i, resource := range built {
		printed, err := resource.AsYAML()
		require.NoError(t, err)
		assert.Equal(t, asServed(t, printed), set.Resources[i].Data, set.Resources[i].Name())

		origin, err := origins[i].GetOrigin()
		require.NoError(t, err)
		from := filepath.Join(set.Name, origin.Path)
		if origin.Path == "" {
			from = filepath.Join(set.Name, origin.ConfiguredIn)
		}
		assert.Equal(t, from, set.Resources[i].File, "%s %s", resource.GetKind(), resource.GetName())
	}
}

func TestReferenceTreesAreWhatKustomizeBuilds(t *testing.T) {
	root, err := filepath.Abs("../../overlays")
	require.NoError(t, err)
	for name, options := range map[string]load.Options{"direct": {}, "by kustomize": {Kustomize: true}} {
		t.Run(name, func(t *testing.T) {
			sets, findings, err := load.Load(t.Context(), []string{root}, options)
			require.NoError(t, err)
			assert.Empty(t, findings)
			require.GreaterOrEqual(t, len(sets), 11)
			for _, set := range sets {
				assert.False(t, set.Incomplete, set.Name)
				same(t, root, set)
			}
		})
	}
}

func TestHandWrittenTreesAreWhatKustomizeBuilds(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			data, err := os.ReadFile(archive)
			require.NoError(t, err)
			root := unpack(t, string(data))
			sets, findings := read(t, root)
			assert.Empty(t, findings)
			require.NotEmpty(t, sets)
			for _, set := range sets {
				require.False(t, set.Incomplete, set.Name)
				same(t, root, set)
				placesAreTrue(t, set)
			}
		})
	}
}

// placesAreTrue checks every scalar of a set: what stands at its place is the value itself, or the field of a
// kustomization that wrote it.
func placesAreTrue(t *testing.T, set load.Set) {
	t.Helper()
	for _, resource := range set.Resources {
		scalars("", resource.Data, func(pointer string, value any) {
			place := resource.At(pointer)
			if strings.HasPrefix(filepath.Base(place.File), "kustomization") {
				return
			}
			want, isText := value.(string)
			if !isText {
				encoded, err := json.Marshal(value)
				require.NoError(t, err)
				want = string(encoded)
			}
			want = want[:min(len(want), 40)] // long ones are folded
			stands := strings.TrimLeft(text(t, place), `"'`)
			for written, means := range map[string]string{"1e3": "1000", "0x10": "16"} {
				stands = strings.Replace(stands, written, means, 1)
			}
			assert.Truef(t, strings.HasPrefix(stands, want) || strings.HasPrefix(stands, "|"), "%s %s %s is %s; at %v stands %s",
				resource.Kind(), resource.Name(), pointer, want, place, stands)
		})
	}
}

func scalars(pointer string, value any, visit func(string, any)) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			scalars(pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key), child, visit)
		}
	case []any:
		for i, child := range value {
			encoded, _ := json.Marshal(i)
			scalars(pointer+"/"+string(encoded), child, visit)
		}
	default:
		visit(pointer, value)
	}
}

func TestPatchesAreBlamedAtTheirLines(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/patches.txtar")
	require.NoError(t, err)
	root := unpack(t, string(data))
	set := one(t, filepath.Join(root, "prod"))
	at := func(kind, pointer string) (string, string) {
		place := object(t, set, kind).At(pointer)
		relative, err := filepath.Rel(root, place.File)
		require.NoError(t, err)
		return relative, text(t, place)
	}
	for _, want := range []struct{ kind, pointer, file, text string }{
		{"Deployment", "/spec/replicas", "prod/strategic.yaml", "5"},
		{"Deployment", "/spec/template/spec/containers/0/env/0/value", "prod/strategic.yaml", "fresh"},
		{"Deployment", "/spec/template/spec/containers/1/env/1/value", "base/deployment.yaml", `"2"}`},
		{"Deployment", "/spec/template/spec/containers/1/image", "base/deployment.yaml", "nginx:1"},
		{"Deployment", "/spec/template/spec/containers/0/image", "prod/kustomization.yaml", "- {name: redis, newTag: \"7\"}"},
		{"Service", "/spec/ports/0/port", "prod/kustomization.yaml", "79, name: first}"},
		{"Service", "/spec/ports/1/name", "base/service.yaml", "http}"},
		{"Service", "/spec/ports/2/port", "prod/kustomization.yaml", "99999"},
		{"Service", "/spec/type", "prod/json.yaml", "ClusterIP"},
		{"Service", "/metadata/namespace", "prod/kustomization.yaml", "prod"},
		{"Service", "/metadata/labels/team", "prod/kustomization.yaml", "- pairs: {team: x}"},
		{"ConfigMap", "/data/a", "base/kustomization.yaml", "name: conf"},
	} {
		file, stands := at(want.kind, want.pointer)
		assert.Equal(t, want.file, file, want.pointer)
		assert.Equal(t, want.text, stands, want.pointer)
	}
}

// A patch that replaces all annotations takes Kustomize's origins with them.
func TestOriginsSurviveReplacedAnnotations(t *testing.T) {
	t.Parallel()
	root := unpack(t, `
-- kustomization.yaml --
resources: [service.yaml]
patches:
- target: {kind: Service}
  patch: |-
    - {op: replace, path: /metadata/annotations, value: {a: b}}
-- service.yaml --
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {c: d}}
`)
	service := object(t, one(t, root), "Service")
	assert.Equal(t, map[string]any{"name": "web", "annotations": map[string]any{"a": "b"}}, service.Data["metadata"])
	assert.Equal(t, manifest.Place{File: filepath.Join(root, "service.yaml"), Line: 3, Column: 18}, service.At("/metadata/name"))
	assert.Equal(t, `b}}`, text(t, service.At("/metadata/annotations/a")))
}

// What keeps a tree from being built is left out, and the rest is judged as it is built.
func TestBrokenBuilds(t *testing.T) {
	t.Parallel()
	root := unpack(t, `
-- kustomization.yaml --
resources: [service.yaml]
patches:
- path: patch.yaml
  target: {kind: Service}
-- patch.yaml --
- {op: test, path: /metadata/name, value: web}
- {op: test, path: /metadata/name, value: other}
- {op: add, path: /metadata/labels, value: {a: b}}
-- service.yaml --
apiVersion: v1
kind: Service
metadata: {name: web}
`)
	sets, findings := read(t, root)
	require.Len(t, findings, 1)
	assert.Equal(t, load.CodeKustomization, findings[0].Code)
	assert.Equal(t, filepath.Join(root, "patch.yaml"), findings[0].File)
	assert.Equal(t, 2, findings[0].Line, "the operation that does not fit")
	assert.Equal(t, `the test of /metadata/name fails: the patch expects "other", and Service web has "web"`, findings[0].Message)
	require.Len(t, sets, 1)
	assert.False(t, sets[0].Incomplete)
	assert.Equal(t, map[string]any{"a": "b"}, object(t, sets[0], "Service").Data["metadata"].(map[string]any)["labels"])
	assert.Equal(t, manifest.Place{File: filepath.Join(root, "service.yaml"), Line: 3, Column: 18}, object(t, sets[0], "Service").At("/metadata/name"))
}

// A file that is missing or broken, and one behind an address, do not keep the namespace from the other objects.
func TestMissingFilesAreLeftOut(t *testing.T) {
	t.Parallel()
	root := unpack(t, `
-- kustomization.yaml --
namespace: apps
resources: [service.yaml, missing.yaml, broken.yaml, "https://example.com/more.yaml"]
components: [gone]
patches: [{path: nowhere.yaml}, {path: broken.yaml, target: {kind: Service}}]
-- broken.yaml --
a: [
-- service.yaml --
apiVersion: v1
kind: Service
metadata: {name: web}
`)
	sets, findings := read(t, root)
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	assert.ElementsMatch(t, []string{load.CodeSyntax, load.CodeKustomization, load.CodeKustomization, load.CodeKustomization, load.CodeRemote}, codes)
	require.Len(t, sets, 1)
	assert.True(t, sets[0].Incomplete)
	assert.False(t, sets[0].Unbuilt)
	require.Len(t, sets[0].Resources, 1)
	assert.Equal(t, "apps", sets[0].Resources[0].Namespace())
}
