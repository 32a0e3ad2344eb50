package effective_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
)

// built builds an overlay of the reference trees; Kustomize must not run twice at once.
func built(t *testing.T, dir string) []manifest.Resource {
	t.Helper()
	objects, err := render.BuildObjects(filesys.MakeFsOnDisk(), dir)
	require.NoError(t, err)
	var resources []manifest.Resource
	for _, object := range objects {
		text, err := json.Marshal(object)
		require.NoError(t, err)
		var data map[string]any
		require.NoError(t, utiljson.Unmarshal(text, &data))
		resources = append(resources, manifest.Resource{Data: data})
	}
	return resources
}

// TestReferenceTrees checks what must hold for every InferenceService that kservegen renders, once KServe has made
// a pod of it.
func TestReferenceTrees(t *testing.T) {
	t.Parallel()
	overlays, err := filepath.Glob("../../overlays/*/*/overlays/*")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(overlays), 7, "the reference trees are gone")
	for _, overlay := range overlays {
		if strings.Contains(overlay, "/_shared/") { // no model
			continue
		}
		resources := built(t, overlay)
		t.Run(strings.TrimPrefix(overlay, "../../overlays/"), func(t *testing.T) {
			t.Parallel()
			found := of(t, resources)
			assert.Empty(t, found.Refused)
			if slices.ContainsFunc(resources, func(r manifest.Resource) bool {
				return r.Kind() == "LeaderWorkerSet" || r.Kind() == "LLMInferenceService"
			}) {
				assert.Empty(t, found.Services, "KServe makes nothing of a LeaderWorkerSet; what it makes of an LLMInferenceService is looked at elsewhere")
				return
			}
			require.NotEmpty(t, found.Services)
			for _, service := range found.Services {
				require.Empty(t, service.Refused)
				if at(service.InferenceService.Data, "spec", "predictor", "name") != nil {
					checkNamed(t, resources, service)
					continue
				}
				checkService(t, resources, service)
			}
		})
	}
}

// checkWorkers looks at what KServe 0.20.0 makes beside the head and deletes at once (kserve#6113).
func checkWorkers(t *testing.T, resources []manifest.Resource, result effective.Result) {
	t.Helper()
	name, runtime := result.Reference.Name, resource(resources, result.Runtime.Kind, result.Runtime.Name)
	var made []string
	for _, object := range result.Fleeting {
		made = append(made, fmt.Sprint(object.Data["kind"], " ", at(object.Data, "metadata", "name")))
	}
	assert.Equal(t, []string{"Deployment " + name + "-predictor-worker", "Service " + name + "-head-1", "Service " + name + "-workers-1", "Pod <nil>"}, made)
	worker, pod := result.Fleeting[0].Data, result.Fleeting[3].Data
	assert.EqualValues(t, 1, at(worker, "spec", "replicas"))
	assert.Equal(t, "Recreate", at(worker, "spec", "strategy", "type"), "no surge over other nodes")
	container := at(worker, "spec", "template", "spec", "containers", "worker-container")
	assert.Equal(t, at(runtime.Data, "spec", "workerSpec", "containers", "worker-container", "args"), at(container, "args"))
	assert.Equal(t, name+"-head-1", at(container, "env", "HEAD_SVC", "value"), "where the worker finds its head")
	head := at(server(result), "resources", "limits")
	assert.Equal(t, head, at(container, "resources", "limits"), "the nodes are alike")
	assert.Equal(t, "8", at(head, "nvidia.com/gpu"))
	assert.Equal(t, "32", at(head, "vpc.amazonaws.com/efa"), "KServe takes it for no GPU")
	mounts, _ := json.Marshal(at(pod, "spec", "containers", "worker-container", "volumeMounts"))
	assert.Contains(t, string(mounts), "/mnt/models", "the worker has the weights")
	for _, port := range []string{"includeInboundPorts", "excludeOutboundIPRanges"} {
		assert.NotEmpty(t, at(pod, "metadata", "annotations", "traffic.sidecar.istio.io/"+port), "the nodes talk past the sidecars")
	}
}

func checkService(t *testing.T, resources []manifest.Resource, result effective.Result) {
	t.Helper()
	assert.Equal(t, "Standard", result.Mode)
	assert.Empty(t, result.Warnings)
	if at(result.InferenceService.Data, "spec", "predictor", "workerSpec") == nil {
		assert.Empty(t, result.Deleted)
	} else {
		checkWorkers(t, resources, result)
	}
	name := result.Reference.Name + "-predictor"
	assert.Equal(t, []string{"Deployment " + name, "Service " + name}, kinds(result), "no autoscaler, no Ingress, no modelconfig")

	runtime := resource(resources, result.Runtime.Kind, result.Runtime.Name)
	source := at(runtime.Data, "spec", "containers", "kserve-container")
	model := at(result.InferenceService.Data, "spec", "predictor", "model")
	container := server(result)
	assert.Equal(t, at(source, "image"), at(container, "image"), "no image is rewritten")
	own, _ := at(model, "args").([]any)
	assert.Equal(t, slices.Concat(at(source, "args").([]any), own), at(container, "args"))
	for _, probe := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
		assert.Equal(t, at(source, probe), at(container, probe), probe)
	}
	assert.Equal(t, at(model, "resources"), at(container, "resources"))
	assert.Len(t, at(result.Pod(), "spec", "containers"), 1, "no agent")
	if at(model, "storageUri") != nil { // the simulator needs neither weights nor shared memory
		assert.NotNil(t, at(container, "volumeMounts", "/dev/shm"))
		assert.Equal(t, "Memory", at(result.Pod(), "spec", "volumes", "shm", "emptyDir", "medium"))
	}
	assert.Equal(t, at(result.InferenceService.Data, "spec", "predictor", "terminationGracePeriodSeconds"), at(result.Pod(), "spec", "terminationGracePeriodSeconds"))
	checkStorage(t, result, at(model, "storageUri"))

	assert.EqualValues(t, 80, servicePort(result, "port"))
	assert.EqualValues(t, 8080, servicePort(result, "targetPort"))
	assert.Equal(t, "http", servicePort(result, "name"))
	if at(result.InferenceService.Data, "metadata", "annotations", "serving.kserve.io/autoscalerClass") == "none" {
		assert.EqualValues(t, at(result.InferenceService.Data, "spec", "predictor", "minReplicas"), at(result.Find("Deployment"), "spec", "replicas"))
	}
	assert.Equal(t, "8080", at(result.Pod(), "metadata", "annotations", "prometheus.io/port"))
}

// checkStorage: what is fetched is fetched by an init container, what is mounted or absent is not.
func checkStorage(t *testing.T, result effective.Result, uri any) {
	t.Helper()
	text, _ := uri.(string)
	switch {
	case text == "":
		assert.Nil(t, initializer(result))
	case strings.HasPrefix(text, "pvc://"):
		assert.Nil(t, initializer(result))
		assert.NotNil(t, at(server(result), "volumeMounts", "/mnt/models"))
	default:
		assert.Equal(t, []any{uri, "/mnt/models"}, at(initializer(result), "args"))
		assert.NotNil(t, at(server(result), "volumeMounts", "/mnt/models"))
	}
}

func resource(resources []manifest.Resource, kind, name string) manifest.Resource {
	for _, r := range resources {
		if r.Kind() == kind && r.Name() == name {
			return r
		}
	}
	return manifest.Resource{}
}

// TestGolden shows one whole result, with the origin of every value.
func TestGolden(t *testing.T) {
	t.Parallel()
	result := explained(t, built(t, "../../overlays/deepseek-r1-distill-llama-8b-a10g/deepseek-r1/overlays/production"))
	var stream bytes.Buffer
	for _, object := range slices.Concat(result.Objects, result.Pods) {
		data, err := manifest.MarshalCommented(object.Data, object.Comments())
		require.NoError(t, err)
		stream.WriteString("---\n")
		stream.Write(data)
	}
	golden := filepath.Join("testdata", "deepseek-r1-v1.yaml")
	if *update {
		require.NoError(t, os.WriteFile(golden, stream.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), stream.String(), "read the difference; then go test ./pkg/effective -update")
}

func explained(t *testing.T, resources []manifest.Resource) effective.Result {
	t.Helper()
	builder, err := effective.New(effective.Options{Explain: true})
	require.NoError(t, err)
	found, err := builder.Of(t.Context(), resources)
	require.NoError(t, err)
	require.NotEmpty(t, found.Services)
	require.Empty(t, found.Services[0].Refused)
	return found.Services[0]
}
