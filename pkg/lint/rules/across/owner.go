package across

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// modelLabel is on every object of a tree that kservegen renders for a model, and on its pods.
const modelLabel = "kservegen.dev/model"

func beyondModel() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1021", Name: "object-leaves-its-model", Level: finding.Warning,
			Summary: "What is labelled as one model's is for that model's pods, in its namespace.",
			Why: "The label kservegen.dev/model says whose an object is. A policy or Sidecar with it but without a selector holds for every pod of the namespace, those of other models and other teams too: " +
				"an ALLOW policy denies them what it doesn't list, STRICT resets their plaintext callers. " +
				"An object with it in another namespace than what serves the model is a copy that the model's own tree doesn't know: two trees can't both have it, and a Sidecar that limits clients to their namespace hides it from them.",
			How: "Select kservegen.dev/model, in the namespace of the model. What is meant for the whole namespace belongs to no model: remove the label, or keep it in the tree of what is shared.",
			Refs: []string{
				"istio: docs/reference/config/type/workload-selector", "istio: docs/concepts/security (implicit enablement of authorization)",
				"istio: docs/reference/config/networking/sidecar (workloadSelector)",
			},
			Whole: true,
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			homes := homesOf(c)
			for _, object := range c.All() {
				model := object.Label(modelLabel).Text()
				home, known := homes[model]
				if model == "" || !known {
					continue
				}
				if object.Namespace != "" && home != "" && object.Namespace != home && !isDashboard(object) {
					c.Report(object.Field("metadata", "namespace"), "what serves model %s is in %s", model, rule.InNamespace(home))
				}
				if spec := object.Field("spec"); namespaceWide(object.Kind, spec) {
					c.Report(spec, "it is for every pod of %s, and labelled as that of model %s", rule.InNamespace(object.Namespace), model)
				}
			}
		},
	}
}

// isDashboard says whether an object is for Grafana's sidecar, which may search another namespace alone.
func isDashboard(object *rule.Object) bool {
	return object.Kind == rule.ConfigMap && object.Label("grafana_dashboard").Found()
}

// homesOf are the namespaces of models; a model in several isn't judged.
func homesOf(c *rule.Context) map[string]string {
	homes := map[string]string{}
	for _, w := range c.Servers() {
		model := w.Label(modelLabel).Text()
		if home, known := homes[model]; known && home != w.Namespace {
			homes[model] = "" // two of them: nobody knows which is right
		} else if !known {
			homes[model] = w.Namespace
		}
	}
	return homes
}

// namespaceWide says whether a policy takes all pods of its namespace.
func namespaceWide(kind rule.Kind, spec rule.Value) bool {
	switch kind {
	case rule.AuthorizationPolicy:
		return spec.Field("selector", "matchLabels").Len() == 0 && !spec.Field("targetRef").Found() && spec.Field("targetRefs").Len() == 0
	case rule.RequestAuthentication:
		return spec.Field("selector", "matchLabels").Len() == 0 && !spec.Field("targetRef").Found() && spec.Field("targetRefs").Len() == 0
	case rule.PeerAuthentication:
		return spec.Field("selector", "matchLabels").Len() == 0
	case rule.Sidecar:
		return spec.Field("workloadSelector", "labels").Len() == 0
	case rule.NetworkPolicy:
		selector := spec.Field("podSelector")
		return selector.Found() && selector.Field("matchLabels").Len() == 0 && selector.Field("matchExpressions").Len() == 0
	}
	return false
}
