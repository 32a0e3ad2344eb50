package effective_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKServeMergesContainers(t *testing.T) {
	t.Parallel()
	result := serve(t, `
runtime: {spec: {containers: [{name: kserve-container, image: a:1, command: [vllm, serve], args: [--a=1, --b=2],
  env: [{name: A, value: "1"}, {name: B, value: "1"}], resources: {limits: {cpu: "4", memory: 8Gi}}}]}}
isvc: {spec: {predictor: {model: {command: [bash], args: [--b=3], env: [{name: B, value: "2"}], resources: {limits: {cpu: "8"}}}}}}`)
	container := server(result)
	assert.Equal(t, []any{"--a=1", "--b=2", "--b=3"}, at(container, "args"), "args are appended")
	assert.Equal(t, []any{"bash"}, at(container, "command"), "the command is replaced")
	assert.Equal(t, "1", at(container, "env", "A", "value"))
	assert.Equal(t, "2", at(container, "env", "B", "value"), "env is merged by name")
	assert.Equal(t, map[string]any{"cpu": "8", "memory": "8Gi"}, at(container, "resources", "limits"), "resources are merged by name")
}

// TestKServeResourceDefaults: ModelSpec.Default of v1beta1/predictor_model.go is empty, so the 1 CPU and 2Gi of
// inferenceservice-config go to the old framework fields only. A model gets its runtime's.
func TestKServeResourceDefaults(t *testing.T) {
	t.Parallel()
	assert.Empty(t, at(server(serve(t, "")), "resources"), "neither says any: none")
	shipped := serve(t, `{runtime: null, isvc: {spec: {predictor: {model: {runtime: kserve-vllmserver}}}}}`)
	assert.Equal(t, "2Gi", at(server(shipped), "resources", "limits", "memory"), "the shipped runtime's")
	custom := serve(t, `{runtime: null, isvc: {spec: {predictor: {model: null, containers: [{name: kserve-container, image: a:1}]}}}}`)
	assert.Equal(t, map[string]any{"cpu": "1", "memory": "2Gi"}, at(server(custom), "resources", "limits"), "a container of one's own gets them")
}

// TestKServeIgnoresRuntimePodFields: MergePodSpec copies seven fields of a runtime's pod part and no others.
func TestKServeIgnoresRuntimePodFields(t *testing.T) {
	t.Parallel()
	result := serve(t, `runtime: {spec: {hostIPC: true, schedulerName: mine, nodeSelector: {a: b}}}`)
	assert.Nil(t, at(result.Pod(), "spec", "hostIPC"), "hostIPC is lost")
	assert.Equal(t, "mine", at(result.Pod(), "spec", "schedulerName"))
	assert.Equal(t, map[string]any{"a": "b"}, at(result.Pod(), "spec", "nodeSelector"))
	own := serve(t, `isvc: {spec: {predictor: {hostIPC: true}}}`)
	assert.Equal(t, true, at(own.Pod(), "spec", "hostIPC"), "the InferenceService's works")
}

// TestKServeExecutesTemplates: ReplacePlaceholders runs the merged container's JSON as a Go template (kserve#3851).
func TestKServeExecutesTemplates(t *testing.T) {
	t.Parallel()
	arg := func(arg string) string {
		return `isvc: {metadata: {labels: {a: b}}, spec: {predictor: {model: {args: ['` + arg + `']}}}}`
	}
	for given, want := range map[string]string{
		"--x={{.Name}}":               "--x=m",
		"--x={{ .Namespace }}":        "--x=llm",
		"--x={{.Labels.a}}":           "--x=b",
		"--x={{.Labels.none}}":        "--x=",
		"--x={% for m in messages %}": "--x={% for m in messages %}",
		"--x={ {":                     "--x={ {",
		`--x={"a":{"b":1}}`:           `--x={"a":{"b":1}}`,
		"--x={{/* gone */}}":          "--x=",
		"--x={{`{{`}}raw{{`}}`}}":     "--x={{raw}}",
	} {
		args := at(server(serve(t, arg(given))), "args").([]any)
		assert.Equal(t, want, args[len(args)-1], given)
	}
	for _, given := range []string{
		"--x={{ message.content }}", "--x={{messages[0]}}", "--x={{ bos_token }}", `--x={{index .Labels "a"}}`, "--x={{.Nothing}}", "--x={{",
	} {
		refusal := refused(t, arg(given))
		assert.Equal(t, "controller", refusal.By, given)
		assert.Contains(t, refusal.Message, "failed to replace placeholders", given)
	}
	env := refused(t, `isvc: {spec: {predictor: {model: {env: [{name: T, value: "{{ x }}"}]}}}}`)
	assert.Contains(t, env.Message, "failed to replace placeholders", "not only args")
}

func TestKServeFillsInProbesAndPodDefaults(t *testing.T) {
	t.Parallel()
	result := serve(t, `runtime: {spec: {containers: [{name: kserve-container, image: a:1, ports: [{containerPort: 9000}]}]}}`)
	assert.EqualValues(t, 9000, at(server(result), "readinessProbe", "tcpSocket", "port"), "the first port")
	assert.Nil(t, at(server(result), "startupProbe"))
	assert.Nil(t, at(server(result), "livenessProbe"))
	assert.EqualValues(t, 30, at(result.Pod(), "spec", "terminationGracePeriodSeconds"))
	none := serve(t, `runtime: {spec: {containers: [{name: kserve-container, image: a:1}]}}`)
	assert.EqualValues(t, 8080, at(server(none), "readinessProbe", "tcpSocket", "port"))
}

func TestKServeWritesDeploymentDefaults(t *testing.T) {
	t.Parallel()
	plain := serve(t, "").Find("Deployment")
	assert.EqualValues(t, 600, at(plain, "spec", "progressDeadlineSeconds"))
	assert.Equal(t, "25%", at(plain, "spec", "strategy", "rollingUpdate", "maxSurge"))
	own := serve(t, `isvc: {spec: {predictor: {deploymentStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: "1", maxUnavailable: "0"}}}}}`).Find("Deployment")
	assert.Equal(t, "1", at(own, "spec", "strategy", "rollingUpdate", "maxSurge"), "text without % passes KServe; the API server refuses it")
	assert.Nil(t, at(own, "spec", "progressDeadlineSeconds"), "left to the API server, whose default is 600 as well (kserve#5684)")
}
