package rule

import (
	"slices"
	"strings"
)

// OthersMatch says whether a selector may take pods that are none of Workloads: of Kubernetes' other controllers,
// whose labels stand in their template, or of a kind that an operator makes pods of with labels of its own.
func (c *Context) OthersMatch(namespace string, matches func(labels map[string]string) bool) bool {
	return slices.ContainsFunc(c.index.all, func(object *Object) bool {
		// A namespace that is left to the client may be any.
		elsewhere := object.Namespace != namespace && object.Namespace != "" && namespace != ""
		if elsewhere || slices.Contains(podless(), object.Kind) || isWorkload(object.Kind) {
			return false
		}
		spec := object.Field("spec")
		template := spec.Field("template")
		if object.Kind.Name() == "CronJob" {
			template = spec.Field("jobTemplate", "spec", "template")
		}
		if slices.Contains([]string{"apps", "batch", "extensions"}, object.Kind.group()) || object.Kind == "ReplicationController" {
			return matches(template.Field("metadata", "labels").Map())
		}
		return strings.Contains(object.Kind.group(), ".") && (slices.Contains(operated(), object.Kind) || hasContainers(spec))
	})
}

func isWorkload(kind Kind) bool { return slices.Contains(WorkloadKinds(), kind) }

// podless are kinds with containers that others make pods of, which are looked at there.
func podless() []Kind {
	return []Kind{ServingRuntime, ClusterServingRuntime, ClusterStorageContainer, "LLMInferenceServiceConfig.serving.kserve.io"}
}

// operated are kinds that become pods and do not show it.
func operated() []Kind {
	return []Kind{
		KubernetesGateway, "InferenceGraph.serving.kserve.io",
		"Prometheus.monitoring.coreos.com", "PrometheusAgent.monitoring.coreos.com", "Alertmanager.monitoring.coreos.com",
		"HelmRelease.helm.toolkit.fluxcd.io", FluxKustomization, "Application.argoproj.io",
	}
}

// hasContainers looks for what only pods and what becomes pods have.
func hasContainers(v Value) bool {
	for key, value := range v.Entries() {
		if slices.Contains([]string{"containers", "image", "podTemplate", "replicas"}, key) || hasContainers(value) {
			return true
		}
	}
	return slices.ContainsFunc(slices.Collect(v.Items()), hasContainers)
}
