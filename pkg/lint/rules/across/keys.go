package across

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func missingKey() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1026", Name: "configmap-key-missing", Level: finding.Error,
			Summary: "The key that a variable takes from a ConfigMap of the set is there.",
			Why: "The kubelet does not start a container whose configMapKeyRef names a key that the ConfigMap lacks: it waits in CreateContainerConfigError. " +
				"Only ConfigMaps of the set are judged, and no variable that is optional.",
			How:   "Correct the key, add it to the ConfigMap, or mark the variable optional.",
			Refs:  []string{"kubernetes: docs/tasks/configure-pod-container/configure-pod-configmap"},
			Kinds: rule.WorkloadKinds(rule.ConfigMap),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				for _, container := range workload.Containers {
					for _, part := range container.Parts() {
						for ref := range part.All("env", "*", "valueFrom", "configMapKeyRef") {
							reportKey(c, workload.Namespace, ref)
						}
					}
				}
			}
		},
	}
}

func reportKey(c *rule.Context, namespace string, ref rule.Value) {
	from := c.Find(rule.ConfigMap, namespace, ref.Field("name").Text())
	key := ref.Field("key")
	if from == nil || key.Text() == "" || ref.Field("optional").Is(true) ||
		from.Field("data", key.Text()).Found() || from.Field("binaryData", key.Text()).Found() {
		return
	}
	c.Report(key, "%s has no key %q", from, key.Text())
}
