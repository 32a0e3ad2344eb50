package effective_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

const syncDocuments = "../render/testdata/gitops/*.yaml"

// synced is an environment with what makes an engine pull it, and what KServe makes of it.
type synced struct {
	sync    []map[string]any
	effects []effective.Result
}

func syncedEnvironments(t *testing.T) []synced {
	t.Helper()
	documents, err := filepath.Glob(syncDocuments)
	require.NoError(t, err)
	require.NotEmpty(t, documents)
	var all []synced
	for _, document := range documents {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		deployments, err := spec.Load(document, strings.NewReader(string(text)))
		require.NoError(t, err)
		tree, err := render.NewGenerator().Tree(deployments[0])
		require.NoError(t, err)
		for _, environment := range tree.Environments {
			var resources []manifest.Resource
			for _, object := range environment.Objects {
				resources = append(resources, manifest.Resource{Data: object})
			}
			all = append(all, synced{environment.Sync, of(t, resources).Services})
		}
	}
	return all
}

// TestFluxWaitsForDeploymentsOfKServe: by the names and in the namespace that KServe gives them.
func TestFluxWaitsForDeploymentsOfKServe(t *testing.T) {
	t.Parallel()
	waited := 0
	for _, environment := range syncedEnvironments(t) {
		var made []any
		for _, service := range environment.effects {
			deployment := service.Find("Deployment")
			require.NotNil(t, deployment)
			made = append(made, map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": at(deployment, "metadata", "name"), "namespace": at(deployment, "metadata", "namespace")})
			assert.Nil(t, at(deployment, "spec", "progressDeadlineSeconds"), "the API server's 600 s hold (kserve#5684), or Flux's own check would do")
		}
		for _, object := range environment.sync {
			if object["kind"] == "Kustomization" {
				assert.ElementsMatch(t, made, at(object, "spec", "healthChecks"))
				waited++
			}
		}
	}
	assert.Equal(t, 3, waited)
}

// TestArgoCDIgnoresWhatTheWebhookAdds, that and nothing else: a field in Git that is ignored would never be put back.
func TestArgoCDIgnoresWhatTheWebhookAdds(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, environment := range syncedEnvironments(t) {
		for _, object := range environment.sync {
			if object["kind"] != "Application" {
				continue
			}
			ignored := at(object, "spec", "ignoreDifferences").([]any)
			require.Len(t, ignored, 1)
			for _, service := range environment.effects {
				require.NotNil(t, service.Defaulted)
				var added []any
				differences("", service.InferenceService.Data, service.Defaulted, func(pointer string) { added = append(added, pointer) })
				assert.ElementsMatch(t, ignored[0].(map[string]any)["jsonPointers"], added)
				compared++
			}
		}
	}
	assert.Equal(t, 2, compared)
}

// differences calls found for each place in which two values differ.
func differences(pointer string, a, b any, found func(string)) {
	was, isMap := a.(map[string]any)
	is, alsoMap := b.(map[string]any)
	if !isMap || !alsoMap {
		if !assert.ObjectsAreEqual(a, b) {
			found(pointer)
		}
		return
	}
	for key := range was {
		differences(pointer+"/"+manifest.EscapeToken(key), was[key], is[key], found)
	}
	for key := range is {
		if _, ok := was[key]; !ok {
			found(pointer + "/" + manifest.EscapeToken(key))
		}
	}
}
