package effective_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// checkNamed: each revision of one InferenceService becomes what it would become alone, whatever KServe merges it over, and
// the replicas are divided between them. The weights are what the pinned release does not do.
func checkNamed(t *testing.T, resources []manifest.Resource, result effective.Result) {
	t.Helper()
	predictor := at(result.InferenceService.Data, "spec", "predictor").(map[string]any)
	revisions := []map[string]any{predictor}
	canaries, _ := at(result.InferenceService.Data, "spec", "canary").([]any)
	for _, canary := range canaries {
		revisions = append(revisions, canary.(map[string]any)["predictor"].(map[string]any))
	}
	replicas := int64(0)
	for i, revision := range revisions {
		name := fmt.Sprintf("%s-%s-predictor", result.Reference.Name, revision["name"])
		pod, deployment := podOf(result, name), objectOf(result, "Deployment", name)
		require.NotNil(t, pod, name)
		require.NotNil(t, objectOf(result, "Service", name), name)
		alone := manifest.DeepCopy(revision)
		delete(alone, "name")
		delete(alone["model"].(map[string]any), "name") // the webhook refuses it outside a canary
		want := of(t, append(slices.Clone(resources), service(result.InferenceService, fmt.Sprint("alone-", i), alone)))
		last := want.Services[len(want.Services)-1]
		require.Empty(t, last.Refused)
		for _, field := range []string{"containers", "volumes", "initContainers", "affinity", "tolerations", "securityContext", "topologySpreadConstraints", "terminationGracePeriodSeconds", "serviceAccountName"} {
			mine, theirs := fmt.Sprint(at(pod, "spec", field)), fmt.Sprint(at(last.Pod(), "spec", field))
			assert.Equal(t, strings.ReplaceAll(theirs, last.Reference.Name, result.Reference.Name), mine, "%s %s", name, field)
		}
		for _, label := range []string{"kservegen.dev/model", "kservegen.dev/revision"} {
			assert.Equal(t, at(revision, "labels", label), at(pod, "metadata", "labels", label))
		}
		replicas += at(deployment, "spec", "replicas").(int64)
	}
	assert.Equal(t, at(predictor, "minReplicas"), replicas, "a canary's replicas are taken from the stable revision's")
}

// service is an InferenceService like another with one predictor.
func service(like manifest.Resource, name string, predictor map[string]any) manifest.Resource {
	data := manifest.DeepCopy(like.Data)
	data["metadata"].(map[string]any)["name"] = name
	data["spec"] = map[string]any{"predictor": manifest.DeepCopy(predictor)}
	return manifest.Resource{Data: data}
}

func objectOf(result effective.Result, kind, name string) map[string]any {
	return named(result.Objects, kind, name)
}

func podOf(result effective.Result, name string) map[string]any {
	for _, pod := range result.Pods {
		if at(pod.Data, "metadata", "labels", "app") == "isvc."+name {
			return pod.Data
		}
	}
	return nil
}

func named(objects []effective.Object, kind, name string) map[string]any {
	for _, object := range objects {
		if object.Data["kind"] == kind && at(object.Data, "metadata", "name") == name {
			return object.Data
		}
	}
	return nil
}

// llms runs the controller of LLMInferenceServices, never twice at once.
func llms(t *testing.T, resources []manifest.Resource) []effective.Result {
	t.Helper()
	builder, err := effective.New(effective.Options{LLM: true})
	require.NoError(t, err)
	found, err := builder.Of(t.Context(), resources)
	require.NoError(t, err)
	require.Empty(t, found.Refused)
	return found.LLMs
}

// TestNothingOfThePresetsWins checks every LLMInferenceService that kservegen renders, once KServe has laid it over its
// presets: what they say of the container is there no more, and what they add does no harm.
func TestNothingOfThePresetsWins(t *testing.T) {
	overlays, err := filepath.Glob("../../overlays/*llmisvc/*/overlays/*")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(overlays), 4, "the reference trees are gone")
	for _, overlay := range overlays {
		t.Run(strings.TrimPrefix(overlay, "../../overlays/"), func(t *testing.T) {
			resources := built(t, overlay)
			found := llms(t, resources)
			require.NotEmpty(t, found)
			for _, result := range found {
				require.Empty(t, result.Refused)
				checkLLM(t, found, result)
			}
		})
	}
}

func checkLLM(t *testing.T, all []effective.Result, result effective.Result) {
	t.Helper()
	name := result.Reference.Name
	want := []string{"Deployment " + name + "-kserve", "Service " + name + "-kserve-workload-svc"}
	written := at(result.InferenceService.Data, "spec")
	router := at(written, "router")
	if router != nil {
		want = append(want, "HTTPRoute "+name+"-kserve-route")
	}
	assert.Equal(t, want, kinds(result))
	source := at(written, "template", "containers", "main")
	container := at(result.Pod(), "spec", "containers", "main")
	require.Len(t, at(result.Pod(), "spec", "containers"), 1)
	for _, field := range []string{"image", "command", "args", "ports", "resources", "lifecycle", "startupProbe", "readinessProbe", "livenessProbe"} {
		assert.Equal(t, at(source, field), at(container, field), field)
	}
	for _, variable := range at(source, "env").([]any) {
		set := variable.(map[string]any)
		assert.Equal(t, set["value"], at(container, "env", set["name"].(string), "value"))
	}
	for _, field := range []string{"affinity", "tolerations", "securityContext", "terminationGracePeriodSeconds", "topologySpreadConstraints", "serviceAccountName"} {
		assert.Equal(t, at(written, "template", field), at(result.Pod(), "spec", field), field)
	}
	for key, value := range at(written, "labels").(map[string]any) {
		assert.Equal(t, value, at(result.Pod(), "metadata", "labels", key), "selectors of ours look for it")
	}
	assert.Equal(t, at(written, "replicas"), at(result.Find("Deployment"), "spec", "replicas"))
	assert.Equal(t, "http", servicePort(result, "name"), "Istio takes the protocol from it")
	assert.EqualValues(t, 8000, servicePort(result, "port"))
	assert.EqualValues(t, 8000, servicePort(result, "targetPort"))
	assert.NotNil(t, at(container, "volumeMounts", "/mnt/models"), "where --model says")
	if uri := at(written, "model", "uri").(string); !strings.HasPrefix(uri, "pvc://") {
		assert.Equal(t, []any{uri, "/mnt/models"}, at(initializer(result), "args"))
		assert.Equal(t, at(source, "securityContext", "allowPrivilegeEscalation"), at(initializer(result), "securityContext", "allowPrivilegeEscalation"))
	}
	if router != nil {
		checkGroup(t, all, result)
	}
}

// checkGroup: every member's route has the weights of all of them, at our host and gateway, and at no other path.
func checkGroup(t *testing.T, all []effective.Result, result effective.Result) {
	t.Helper()
	route := result.Find("HTTPRoute")
	assert.Equal(t, at(result.InferenceService.Data, "spec", "router", "route", "http", "spec", "hostnames"), at(route, "spec", "hostnames"))
	rules := at(route, "spec", "rules").([]any)
	require.Len(t, rules, 1, "the preset's paths of KServe's own are gone")
	want := map[any]any{}
	for _, member := range all {
		want[member.Reference.Name+"-kserve-workload-svc"] = at(member.InferenceService.Data, "spec", "router", "route", "weight")
	}
	is := map[any]any{}
	for _, backend := range at(rules[0], "backendRefs").([]any) {
		is[at(backend, "name")] = at(backend, "weight")
	}
	assert.Equal(t, want, is)
	assert.Equal(t, "0s", at(rules[0], "timeouts", "request"))
}

// TestPresetsOfTheInput: they win, and what they would execute without an end is not run.
func TestPresetsOfTheInput(t *testing.T) {
	resources := built(t, "../../overlays/gpt-oss-20b-llmisvc/gpt-oss/overlays/dev")
	preset := func(text string) manifest.Resource {
		return manifest.Resource{Data: map[string]any{
			"apiVersion": "serving.kserve.io/v1alpha2", "kind": "LLMInferenceServiceConfig",
			"metadata": map[string]any{"name": "kserve-config-llm-template", "namespace": "llm"},
			"spec":     map[string]any{"annotations": map[string]any{"preset": text}},
		}}
	}
	own := llms(t, append(slices.Clone(resources), preset("{{ .Name }}")))
	require.Len(t, own, 1)
	require.Empty(t, own[0].Refused)
	assert.Equal(t, "gpt-oss-v1", at(own[0].Pod(), "metadata", "annotations", "preset"), "a namespace's own preset comes first")
	assert.Nil(t, at(own[0].Pod(), "spec", "volumes", "tls-certs"))
	endless := llms(t, append(slices.Clone(resources), preset(`{{ range 1000000000 }}x{{ end }}`)))
	require.Len(t, endless[0].Refused, 1)
	assert.Contains(t, endless[0].Refused[0].Error(), "KServe would execute it as a Go template without a limit")
}

// TestHandlersOfThePresetStay: one of another kind comes beside the preset's, and Kubernetes refuses two (KG0249).
func TestHandlersOfThePresetStay(t *testing.T) {
	resources := built(t, "../../overlays/gpt-oss-20b-llmisvc/gpt-oss/overlays/dev")
	for _, resource := range resources {
		if resource.Kind() == "LLMInferenceService" {
			at(resource.Data, "spec", "template", "containers", "main").(map[string]any)["lifecycle"] = map[string]any{
				"preStop": map[string]any{"sleep": map[string]any{"seconds": int64(15)}},
			}
		}
	}
	found := llms(t, resources)
	hook := at(found[0].Pod(), "spec", "containers", "main", "lifecycle", "preStop")
	assert.Equal(t, map[string]any{
		"sleep": map[string]any{"seconds": int64(15)}, "exec": map[string]any{"command": []any{"/bin/sleep", "15"}},
	}, hook)
}
