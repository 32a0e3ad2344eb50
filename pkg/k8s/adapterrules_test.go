package k8s

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/spec"
)

func adapting(metric, namespace, kind string) spec.Target {
	one := target("")
	one.Scaling = spec.Scaling{Metric: metric, Type: kind, AdapterRules: true}
	one.Monitoring.Namespace = namespace
	return one
}

func TestAdapterRules(t *testing.T) {
	t.Parallel()
	objects, err := AdapterRules([]spec.Target{
		adapting("vllm:num_requests_waiting", "monitoring", "hpa"), adapting("vllm:generation_tokens_total", "monitoring", ""),
		adapting("vllm:num_requests_waiting", "monitoring", "hpa"), adapting("queue_depth", "elsewhere", "hpa"),
		adapting("vllm:num_requests_running", "monitoring", spec.KEDA), target(""),
	}, map[string]string{"a": "b"})
	require.NoError(t, err)
	require.Len(t, objects, 2)
	assert.Equal(t, "configmap-elsewhere-vllm-adapter-rules", objects[0].File)
	rules, ok := objects[1].Typed.(*corev1.ConfigMap)
	require.True(t, ok)
	assert.Equal(t, "monitoring", rules.Namespace)
	var config adapterConfig
	require.NoError(t, yaml.UnmarshalStrict([]byte(rules.Data["config.yaml"]), &config))
	resources := adapterResources{Overrides: map[string]adapterResource{"namespace": {"namespace"}, "pod": {"pod"}}}
	assert.Equal(t, []adapterRule{
		{`vllm:generation_tokens_total{namespace!="",pod!=""}`, resources, "sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)"},
		{`vllm:num_requests_waiting{namespace!="",pod!=""}`, resources, "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"},
	}, config.Rules)
}

// TestHoursAreTriggersBesideTheLoad, also where the model may sleep: the trigger of hours comes last and has its own name, of which
// KEDA wants one each.
func TestHoursAreTriggersBesideTheLoad(t *testing.T) {
	t.Parallel()
	hours := []spec.Hours{{Timezone: "Europe/Berlin", Start: "0 7 * * 1-5", End: "0 19 * * 1-5", Min: 3}, {Timezone: "UTC", Start: "0 1 * * *", End: "0 2 * * *", Min: 2}}
	for low, before := range map[int]int{1: 1, 0: 2} {
		triggers := scaled(t, low, func(one *spec.Target) { one.Scaling.Schedule = hours }).Triggers
		require.Len(t, triggers, before+2)
		assert.Equal(t, "cron", triggers[before].Type)
		assert.Equal(t, "hours-0", triggers[before].Name)
		assert.Equal(t, "hours-1", triggers[before+1].Name)
		assert.Equal(t, map[string]string{"timezone": "Europe/Berlin", "start": "0 7 * * 1-5", "end": "0 19 * * 1-5", "desiredReplicas": "3"}, triggers[before].Metadata)
	}
}
