package spec_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// v4Flash is a model whose layout on H200 has several engines.
const v4Flash = "model: {id: deepseek-ai/DeepSeek-V4-Flash-0731}"

func TestLeastDocument(t *testing.T) {
	t.Parallel()
	m := load(t, document())
	assert.Equal(t, "gpt-oss-20b", m.Name)
	assert.Equal(t, "default", m.Namespace)
	assert.Equal(t, 1, m.Line)
	require.Len(t, m.Environments, 1)
	environment := m.Environments[0]
	assert.Equal(t, spec.DefaultEnvironment, environment.Environment)
	assert.Empty(t, m.Base.Environment)
	environment.Environment = ""
	assert.Equal(t, m.Base, environment, "an environment that changes nothing is the base")

	assert.Equal(t, "gpt-oss-20b", m.Base.ServedName)
	assert.Equal(t, "strict", m.Base.Security.MTLS)
	assert.Equal(t, spec.Scaling{Metric: "vllm:num_requests_waiting", Target: "5"}, m.Base.Scaling)
	assert.Equal(t, "monitoring", m.Base.Monitoring.Namespace)
	assert.Nil(t, m.Base.Sticky)
	assert.Nil(t, m.Base.Expose)

	require.Len(t, m.Base.Revisions, 1)
	v1 := m.Base.Revisions[0]
	assert.Equal(t, spec.DefaultRevision, v1.Name)
	assert.Equal(t, 100, v1.Weight)
	assert.Equal(t, "vllm-cuda", v1.Runtime.Name, "by accelerator")
	assert.Equal(t, "hf://openai/gpt-oss-20b", v1.Model.Source)
	assert.Equal(t, 1, v1.Devices, "the catalogue's layout")
	assert.Equal(t, 1, v1.TensorParallel)
	assert.Equal(t, 65536, v1.MaxModelLen, "the catalogue's layout")
	assert.Equal(t, spec.Resources{CPU: "3", Memory: "12Gi", SharedMemory: "2Gi"}, v1.Resources)
	assert.Equal(t, []int{1, 1}, []int{v1.MinReplicas, v1.MaxReplicas})
	assert.Equal(t, []string{"openai"}, v1.Args["tool-call-parser"].Values, "the catalogue's flags")
	assert.True(t, *v1.Args["enable-auto-tool-choice"].Bool, "a switch of the catalogue")
	assert.Equal(t, 710*time.Second, v1.Startup.Budget, "13.8 GB at 125 MiB/s and 600 s")
}

func TestDefaultsDependOnWhatIsSaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines []string
		check func(t *testing.T, r spec.RevisionTarget)
	}{
		"source pins the revision": {
			[]string{"model: {id: openai/gpt-oss-20b, revision: abc}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, "hf://openai/gpt-oss-20b:abc", r.Model.Source)
			},
		},
		"more devices": {
			[]string{"accelerator: {type: a10g, perReplica: 4}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, 4, r.TensorParallel)
				assert.Equal(t, spec.Resources{CPU: "12", Memory: "48Gi", SharedMemory: "2Gi"}, r.Resources)
			},
		},
		"fewer devices than the layout have a length that is planned": {
			[]string{"model: {id: openai/gpt-oss-120b}", "accelerator: {type: h100, perReplica: 1}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, 74752, r.MaxModelLen)
				assert.Empty(t, r.Planned.Devices, "the document's")
				assert.NotEmpty(t, r.Planned.MaxModelLen)
			},
		},
		"parallel dimensions divide the devices": {
			[]string{"accelerator: {type: a10g, perReplica: 8}", "runtime: {args: {pipeline-parallel-size: 2, data-parallel-size: 2}}"},
			func(t *testing.T, r spec.RevisionTarget) { assert.Equal(t, 2, r.TensorParallel) },
		},
		"a Trainium2 is four ranks": {
			[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "accelerator: {type: trainium2}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, "vllm-neuron", r.Runtime.Name)
				assert.Equal(t, []int{1, 4}, []int{r.Devices, r.TensorParallel})
			},
		},
		"several Trainium2 are as many times four": {
			[]string{"model: {id: meta-llama/Llama-3.3-70B-Instruct}", "accelerator: {type: trainium2, schedulerName: my-scheduler}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, []int{4, 16, 1}, []int{r.Devices, r.TensorParallel, r.DataParallel})
				assert.Equal(t, "my-scheduler", r.SchedulerName)
			},
		},
		"engines of a layout": {
			[]string{v4Flash, "accelerator: {type: h200}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, []int{4, 1, 4, 393216}, []int{r.Devices, r.TensorParallel, r.DataParallel, r.MaxModelLen})
				assert.Equal(t, []string{"4", "true"}, []string{r.Args["data-parallel-size"].String(), r.Args["enable-expert-parallel"].String()})
				assert.Equal(t, "20", r.ScalingTarget, "5 waiting requests for each engine")
			},
		},
		"engines follow the document's groups": {
			[]string{v4Flash, "accelerator: {type: h200}", "runtime: {args: {tensor-parallel-size: 2}}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, []int{2, 2}, []int{r.TensorParallel, r.DataParallel})
				assert.Equal(t, "2", r.Args["data-parallel-size"].String())
			},
		},
		"one group takes all devices": {
			[]string{v4Flash, "accelerator: {type: h200}", "runtime: {args: {tensor-parallel-size: 4, enable-expert-parallel: false}}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, []int{4, 1}, []int{r.TensorParallel, r.DataParallel})
				assert.NotContains(t, r.Args, "data-parallel-size")
				assert.Equal(t, "false", r.Args["enable-expert-parallel"].String())
				assert.Empty(t, r.ScalingTarget)
			},
		},
		"engines of the document win": {
			[]string{v4Flash, "accelerator: {type: h200}", "runtime: {args: {data-parallel-size: 2}}", "scaling: {target: 7}", "replicas: {min: 1, max: 2}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, []int{2, 2}, []int{r.TensorParallel, r.DataParallel})
				assert.Empty(t, r.ScalingTarget, "the document says the target")
			},
		},
		"engines of a layout are for its devices": {
			[]string{v4Flash, "accelerator: {type: h200, perReplica: 8}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, []int{8, 1}, []int{r.TensorParallel, r.DataParallel})
				assert.NotContains(t, r.Args, "enable-expert-parallel")
			},
		},
		"a CPU has no devices": {
			[]string{"model: {id: meta-llama/Llama-3.1-8B-Instruct}", "accelerator: {type: none}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, "vllm-cpu", r.Runtime.Name)
				assert.Equal(t, []int{0, 0, 16384}, []int{r.Devices, r.TensorParallel, r.MaxModelLen})
			},
		},
		"the simulator loads nothing": {
			[]string{"accelerator: {type: a10g}", "runtime: {name: simulator}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Empty(t, r.Model.Source)
				assert.Equal(t, []int{1, 0}, []int{r.Devices, r.TensorParallel})
				assert.Empty(t, r.Args)
				assert.Equal(t, spec.Resources{CPU: "250m", Memory: "512Mi", SharedMemory: "64Mi"}, r.Resources)
			},
		},
		"numbers of the document win": {
			[]string{
				"model: {id: openai/gpt-oss-20b, maxModelLen: 4096, source: 's3://a/b'}", "resources: {cpu: 500m, memory: 8Gi, sharedMemory: 1Gi}",
				"runtime: {startupTimeout: 1h, args: {tool-call-parser: hermes}}", "replicas: {min: 2, max: 6}",
			},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, 4096, r.MaxModelLen)
				assert.Equal(t, "s3://a/b", r.Model.Source)
				assert.Equal(t, spec.Resources{CPU: "500m", Memory: "8Gi", SharedMemory: "1Gi"}, r.Resources)
				assert.Equal(t, time.Hour, r.Startup.Budget)
				assert.Equal(t, []string{"hermes"}, r.Args["tool-call-parser"].Values)
				assert.Equal(t, []int{2, 6}, []int{r.MinReplicas, r.MaxReplicas})
			},
		},
		"max follows min": {
			[]string{"replicas: {min: 3}"},
			func(t *testing.T, r spec.RevisionTarget) {
				assert.Equal(t, []int{3, 3}, []int{r.MinReplicas, r.MaxReplicas})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, load(t, document(test.lines...)).Base.Revisions[0])
		})
	}
}

func TestModelWithoutAccelerator(t *testing.T) {
	t.Parallel()
	for _, runtime := range []string{"simulator", "vllm-cpu"} {
		m := load(t, document("accelerator: null", "runtime: {name: "+runtime+"}"))
		assert.Equal(t, "none", m.Base.Revisions[0].Accelerator.Name)
		assert.Equal(t, runtime, m.Base.Revisions[0].Runtime.Name)
	}
}

func TestTrafficDecidesWhatRuns(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"revisions: [{name: a}, {name: b}, {name: c}]",
		"traffic: [{revision: c, weight: 0, testers: {header: x, value: y}}, {revision: a, weight: 100}]",
		"environments:",
		"- {name: dev, traffic: [{revision: b, weight: 100}]}",
		"- {name: production}",
	))
	assert.Equal(t, map[string]int{"a": 100, "c": 0}, weightsOf(m.Base), "weight 0 runs, unnamed does not")
	assert.Equal(t, []string{"a", "c"}, namesOf(m.Base), "in the order of the revisions")
	assert.Equal(t, &spec.HeaderMatch{Header: "x", Value: "y"}, m.Base.Revisions[1].Testers)
	assert.Equal(t, map[string]int{"b": 100}, weightsOf(m.Environments[0]))
	assert.Equal(t, map[string]int{"a": 100, "c": 0}, weightsOf(m.Environments[1]))
}

func TestFirstEnvironmentStandsForTheBase(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"replicas: {min: 1, max: 3}",
		"revisions: [{name: a}, {name: b}]",
		"environments:",
		"- {name: dev, replicas: {max: 2}, traffic: [{revision: b, weight: 100}]}",
		"- {name: production, traffic: [{revision: a, weight: 50}, {revision: b, weight: 50}]}",
	))
	want := m.Environments[0]
	want.Environment = ""
	assert.Equal(t, want, m.Base)
	assert.Equal(t, "dev", m.Environments[0].Environment, "naming the base changed the environment")
}

func TestOmit(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"omit: [service, sidecar]",
		"environments: [{name: a}, {name: b, omit: [podmonitor]}, {name: c, omit: []}]",
	))
	for i, want := range [][]spec.Omittable{{spec.OmitService, spec.OmitSidecar}, {spec.OmitPodMonitor}, nil} {
		for _, name := range spec.Omittables() {
			assert.Equalf(t, slices.Contains(want, name), m.Environments[i].Omits(name), "environment %d, %s", i, name)
		}
	}
}
