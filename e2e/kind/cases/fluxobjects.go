package cases

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// syncEvery is how often Flux compares the cluster with what it applied last, and looks at the source.
const syncEvery = 20 * time.Second

// pulledFrom is the document with all its environments pulled by Flux from a source of the suite: the repository, with a
// branch or a tag, has the model's folder at its root. What the document says of its own repository is left out. Neither
// that nor its Secret is here, nor are the Kustomizations that must be ready first; dependsOn are those that are.
func (d document) pulledFrom(repository string, ref map[string]any, dependsOn ...string) document {
	d = d.clone()
	flux := map[string]any{"namespace": install.FluxNamespace, "interval": syncEvery.String()}
	if len(dependsOn) > 0 {
		flux["dependsOn"] = dependsOn
	}
	section := map[string]any{"engine": spec.EngineFlux, "repository": repository, "path": ".", "flux": flux}
	for name, value := range ref {
		section[name] = value
	}
	d.Spec["gitops"] = section
	environments, _ := d.Spec["environments"].([]any)
	for _, one := range environments {
		if fields, ok := one.(map[string]any); ok {
			delete(fields, "gitops")
		}
	}
	return d
}

// forTest builds what render wrote into a folder of the trees from the kustomization of a cluster, as a person has one,
// whose patches are all that is different in a test. The timeout is render's: nothing waits until it is over.
func forTest(trees, folder string) ([]map[string]any, error) {
	patches, err := testPatches()
	if err != nil {
		return nil, err
	}
	content, err := yaml.Marshal(types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{folder}, Patches: patches,
		SortOptions: &types.SortOptions{Order: types.FIFOSortOrder}, // the source first, as render has them
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(trees, "kustomization.yaml"), content, 0o600); err != nil {
		return nil, err
	}
	return render.BuildObjects(filesys.MakeFsOnDisk(), trees)
}

// testPatches are JSON patches (RFC 6902) of the kinds of Flux's objects.
func testPatches() ([]types.Patch, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	var patches []types.Patch
	for _, change := range []struct {
		kind       string
		operations []operation
	}{
		{kustomizev1.KustomizationKind, []operation{
			// A hand edit is to be put back while the check looks.
			{"replace", "/spec/interval", syncEvery.String()},
			// The tree stays in the cluster when the check is over, and when one was cut off.
			{"add", "/spec/deletionPolicy", kustomizev1.DeletionPolicyOrphan},
		}},
		// The suite's registry speaks plain HTTP.
		{sourcev1.OCIRepositoryKind, []operation{{"add", "/spec/insecure", true}}},
	} {
		patch, err := json.Marshal(change.operations)
		if err != nil {
			return nil, fmt.Errorf("patching %s: %w", change.kind, err)
		}
		target := &types.Selector{}
		target.Kind = change.kind
		patches = append(patches, types.Patch{Patch: string(patch), Target: target})
	}
	return patches, nil
}
