package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// TestReferenceTreesComeBack: each reference tree gives a document that renders to the same files, byte for byte. The lock
// has a digest of the document besides, which says more than the tree does: the gateway's certificate, for example.
func TestReferenceTreesComeBack(t *testing.T) {
	t.Parallel()
	locks, err := filepath.Glob("../../overlays/*/*/kservegen.lock")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(locks), 8, "the reference trees are gone")
	for _, lock := range locks {
		dir := filepath.Dir(lock)
		if filepath.Base(dir) == render.SharedName { // no model
			continue
		}
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			t.Parallel()
			tree := comesBack(t, dir, dir).tree
			was, err := os.ReadFile(lock)
			require.NoError(t, err)
			written, err := render.ReadLock(lock, was)
			require.NoError(t, err)
			assert.Equal(t, written.Files, tree.Lock.Files)
		})
	}
}

// TestWhatModelsShareIsReadForEach: the list and the quota of a shared tree are inferred for each model, as far as they are its own.
func TestWhatModelsShareIsReadForEach(t *testing.T) {
	t.Parallel()
	const root = "../../overlays/two-models-one-host/"
	for _, model := range []string{"deepseek-r1", "gpt-oss"} {
		in, err := importer.Read(t.Context(), []string{root + model + "/overlays/production", root + render.SharedName + "/overlays/production"}, nil, nil)
		require.NoError(t, err)
		proposal, err := importer.Import(in, importer.Options{})
		require.NoError(t, err)
		assert.Empty(t, proposal.Losses, proposal.Document)
		deployments, err := spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
		require.NoError(t, err)
		target := deployments[0].Environments[0]
		assert.True(t, target.ListsModel(), proposal.Document)
		assert.Equal(t, &spec.Quota{Devices: "8"}, target.Quota)

		alone, err := importer.Read(t.Context(), []string{root + model + "/overlays/production"}, nil, nil)
		require.NoError(t, err)
		proposal, err = importer.Import(alone, importer.Options{})
		require.NoError(t, err)
		assert.NotContains(t, proposal.Document, "modelList")
		assert.NotContains(t, proposal.Document, "quota")
	}
}

// TestWhatGatewaysMakeBucketsOf: it is in the shared tree, and comes back to the document of the model that it is for; a script that
// somebody changed is told.
func TestWhatGatewaysMakeBucketsOf(t *testing.T) {
	t.Parallel()
	const root = "../../overlays/deepseek-r1-distill-llama-8b-sticky/"
	for environment, want := range map[string]*spec.StickyFrom{"staging": {Cookie: "session"}, "production": {Claim: "sub"}} {
		paths := []string{root + "deepseek-r1/overlays/" + environment, root + render.SharedName + "/overlays/" + environment}
		in, err := importer.Read(t.Context(), paths, nil, nil)
		require.NoError(t, err)
		proposal, err := importer.Import(in, importer.Options{})
		require.NoError(t, err)
		assert.Empty(t, proposal.Losses, proposal.Document)
		deployments, err := spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
		require.NoError(t, err)
		require.NotNil(t, deployments[0].Environments[0].Sticky)
		assert.Equal(t, want, deployments[0].Environments[0].Sticky.From, proposal.Document)

		in, err = importer.Read(t.Context(), paths[:1], nil, nil)
		require.NoError(t, err)
		proposal, err = importer.Import(in, importer.Options{})
		require.NoError(t, err)
		assert.NotContains(t, proposal.Document, "from:")
	}

	built, err := os.ReadFile(root + render.SharedName + "/base/trafficextension-istio-ingress-deepseek-r1.llm.yaml")
	require.NoError(t, err)
	changed := filepath.Join(t.TempDir(), "changed.yaml")
	require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(built), "% 100)", "% 50)", 1)), 0o600))
	in, err := importer.Read(t.Context(), []string{root + "deepseek-r1/overlays/production", changed}, nil, nil)
	require.NoError(t, err)
	proposal, err := importer.Import(in, importer.Options{})
	require.NoError(t, err)
	require.NotEmpty(t, proposal.Losses)
	assert.Contains(t, proposal.Losses[0].Path, "/spec/lua/inlineCode")
}

// back is what came of a tree.
type back struct {
	tree, shared *render.Tree
	document     string
}

// comesBack imports what is at a path: nothing is lost or added, and what is rendered of it is what the folder of the tree
// holds, byte for byte.
func comesBack(t *testing.T, path, dir string) back {
	t.Helper()
	in, err := importer.Read(t.Context(), []string{path}, nil, nil)
	require.NoError(t, err)
	proposal, err := importer.Import(in, importer.Options{})
	require.NoError(t, err)
	assert.Empty(t, proposal.Losses, proposal.Document)
	assert.Empty(t, proposal.Added, proposal.Document)
	deployments, err := spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(deployments[0])
	require.NoError(t, err)
	sameFiles(t, tree, dir, proposal.Document)
	shared, err := render.NewGenerator().Shared(deployments)
	require.NoError(t, err)
	return back{tree, shared, proposal.Document}
}

func sameFiles(t *testing.T, tree *render.Tree, dir, document string) {
	t.Helper()
	for _, file := range tree.Files {
		want, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file.Path)))
		require.NoError(t, err, "%s\n%s", file.Path, document)
		assert.Equal(t, string(want), string(file.Data), "%s\n%s", file.Path, document)
	}
}

// TestTreesThatAreSyncedComeBack: what Flux or Argo CD pull of a tree, and the tree of what documents share beside it, come
// back as well, whether the engine is named in the document or by --gitops.
func TestTreesThatAreSyncedComeBack(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../render/testdata/gitops/*.yaml")
	require.NoError(t, err)
	own, err := filepath.Glob("testdata/synced/*.yaml")
	require.NoError(t, err)
	documents = append(documents, own...)
	require.GreaterOrEqual(t, len(documents), 5)
	for _, document := range documents {
		for _, engine := range append(spec.Engines(), "") {
			t.Run(filepath.Base(document)+" "+engine, func(t *testing.T) {
				t.Parallel()
				data, err := os.ReadFile(document)
				require.NoError(t, err)
				deployments, err := spec.Load(document, strings.NewReader(string(data)))
				require.NoError(t, err)
				if engine != "" {
					require.NoError(t, deployments[0].UseEngine(engine))
				}
				out := t.TempDir()
				generator := render.NewGenerator()
				tree, err := generator.Tree(deployments[0])
				require.NoError(t, err)
				writeTree(t, tree, out)
				dir := filepath.Join(out, tree.Name)
				assert.Equal(t, tree.Lock.Files, comesBack(t, dir, dir).tree.Lock.Files)
				shared, err := generator.Shared(deployments)
				require.NoError(t, err)
				writeTree(t, shared, out)
				both := comesBack(t, out, dir)
				assert.Equal(t, shared.Lock.Files, both.shared.Lock.Files)
			})
		}
	}
}

func writeTree(t *testing.T, tree *render.Tree, out string) {
	t.Helper()
	lock, err := tree.Lock.Bytes()
	require.NoError(t, err)
	for _, file := range append(tree.Files, render.File{Path: render.LockFile, Data: lock}) {
		path := filepath.Join(out, tree.Name, filepath.FromSlash(file.Path))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, file.Data, 0o600))
	}
}

// TestNetworkOfEKSComesBack: the load balancer and prometheus-adapter's rules of the shared tree, the security groups of pods,
// the hours of a schedule, and spare nodes.
func TestNetworkOfEKSComesBack(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/eksnetwork.yaml")
	require.NoError(t, err)
	deployments, err := spec.Load("document.yaml", strings.NewReader(string(data)))
	require.NoError(t, err)
	generator := render.NewGenerator()
	tree, err := generator.Tree(deployments[0])
	require.NoError(t, err)
	shared, err := generator.Shared(deployments)
	require.NoError(t, err)
	out := t.TempDir()
	for _, rendered := range []*render.Tree{tree, shared} {
		for _, file := range rendered.Files {
			path := filepath.Join(out, rendered.Name, filepath.FromSlash(file.Path))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, file.Data, 0o600))
		}
	}
	for _, environment := range deployments[0].Environments {
		in, err := importer.Read(t.Context(), []string{filepath.Join(out, tree.Name, "overlays", environment.Environment), filepath.Join(out, shared.Name, "overlays", environment.Environment)}, nil, nil)
		require.NoError(t, err)
		proposal, err := importer.Import(in, importer.Options{})
		require.NoError(t, err)
		assert.Empty(t, proposal.Losses, proposal.Document)
		back, err := spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
		require.NoError(t, err)
		was, is := environment, back[0].Environments[0]
		assert.Equal(t, was.Platform.EKS.Network.LoadBalancer, is.Platform.EKS.Network.LoadBalancer, proposal.Document)
		assert.Equal(t, was.PodSecurityGroups(), is.PodSecurityGroups())
		assert.Equal(t, was.Scaling.Schedule, is.Scaling.Schedule)
		assert.Equal(t, was.AdapterRules(), is.AdapterRules())
		assert.Equal(t, was.Scaling.Spare, is.Scaling.Spare)
	}
}
