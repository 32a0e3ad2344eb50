package serving

import (
	"cmp"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// llmMain is the container of an LLMInferenceService that serves, as it is written: what KServe's preset adds isn't seen.
func llmMain(object *rule.Object) rule.Value {
	for container := range object.Field("spec", "template", "containers").Items() {
		if container.Field("name").Text() == rule.LLMContainer {
			return container
		}
	}
	return rule.Value{}
}

func canaryNeverPromoted() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0240", Name: "canary-never-promoted", Level: finding.Warning,
			Summary: "A canary of KServe's own has weights of its own.",
			Holds:   []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 20}}},
			Why: "Promoting a canary is giving spec.predictor its name, and KServe's webhook refuses another name where the storageUri stays the same. " +
				"A canary of other flags, or of another vLLM, can be tried and never promoted.",
			How:   "Give the canary a storageUri of its own, or run a second InferenceService and split by a VirtualService or an HTTPRoute.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/inference_service_validation.go (validatePredictorNameChange)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				stable := p.Model.Field("storageUri").Text()
				for canary := range p.Object.Field("spec", "canary").Items() {
					own := canary.Field("predictor", "model", "storageUri")
					if stable != "" && own.Text() == stable {
						c.Report(own, "the stable predictor has the same, so the webhook refuses to make %q the predictor", canary.Field("predictor", "name").Text())
					}
				}
			}
		},
	}
}

func llmPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0248", Name: "llm-port-not-served", Level: finding.Error,
			Summary: "The server of an LLMInferenceService listens on port 8000.",
			Why: "KServe's Service, the InferencePool and the HTTPRoutes lead to port 8000 of the pods, whatever the container declares; with spec.prefill KServe's preset puts a sidecar there, which leads to the server. " +
				"A server of one's own command that listens elsewhere is never reached, while probes on its own port keep the pod ready.",
			How:   "Let it listen on 8000, and probe that.",
			Refs:  []string{"kserve: pkg/controller/v1alpha2/llmisvc/workload.go (reconcileWorkloadService)"},
			Kinds: []rule.Kind{rule.LLMInferenceService},
		},
		Check: func(c *rule.Context) {
			for _, object := range c.Objects(rule.LLMInferenceService) {
				main := rule.NewContainer(rule.LLMContainer, llmMain(object))
				served, at, ok := servedPort(main)
				if ok && main.Field("command").Found() && served != rule.LLMPort && !answeredByAnother(object) {
					c.Report(at, "the Service leads to %d, and the server listens on %d", rule.LLMPort, served)
				}
			}
		},
	}
}

// answeredByAnother says whether something else may have the port that the Service leads to: with spec.prefill, by KServe's
// preset, llm-d's routing sidecar (config/llmisvcconfig/config-llm-decode-template.yaml), or what is written beside the server.
func answeredByAnother(object *rule.Object) bool {
	if object.Field("spec", "prefill").Found() {
		return true
	}
	for _, list := range []string{"containers", "initContainers"} {
		for container := range object.Field("spec", "template", list).Items() {
			if container.Field("name").Text() == rule.LLMContainer {
				continue
			}
			for port := range container.Field("ports").Items() {
				if port.Field("containerPort").IntOr(0) == rule.LLMPort {
					return true
				}
			}
		}
	}
	return false
}

func llmHandlers() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0249", Name: "llm-second-handler", Level: finding.Error,
			Summary: "A hook or a probe of an LLMInferenceService is of the kind that KServe's preset has.",
			Why: "KServe merges the template over its preset kserve-config-llm-template, field by field. The preset's preStop is exec and its probes are httpGet: " +
				"a sleep or a tcpSocket comes beside them, Kubernetes refuses a hook or a probe with two handlers, and no Deployment is made.",
			How:   "Write preStop as exec, for example [/bin/sleep, \"15\"], and probes as httpGet.",
			Refs:  []string{"kserve: config/llmisvcconfig/config-llm-template.yaml", "kserve: pkg/controller/v1alpha2/llmisvc/config_merge.go (mergeSpecs)"},
			Kinds: []rule.Kind{rule.LLMInferenceService},
		},
		Check: func(c *rule.Context) {
			for _, object := range c.Objects(rule.LLMInferenceService) {
				main := llmMain(object)
				reportSecond(c, main.Field("lifecycle", "preStop"), "exec", "sleep", "httpGet", "tcpSocket")
				for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
					reportSecond(c, main.Field(probe), "httpGet", "exec", "tcpSocket", "grpc")
				}
			}
		},
	}
}

// reportSecond looks for a handler of another kind than the preset's.
func reportSecond(c *rule.Context, hook rule.Value, preset string, others ...string) {
	for _, kind := range others {
		if own := hook.Field(kind); own.Found() {
			c.Report(own, "KServe's preset has %s here, which stays beside it, and two handlers are refused", preset)
		}
	}
}

func llmGroup() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0250", Name: "llm-group-divided", Level: finding.Error,
			Summary: "The members of a routing group serve a model of one name.",
			Why: "KServe shares requests only between members of a group whose spec.model.name is the same, and the name of the object stands in where there is none. " +
				"A member with another name gets none of the others' requests, whatever its weight, and GroupReady says so in the status alone.",
			How:   "Write the same spec.model.name, and --served-model-name, in all members of the group.",
			Refs:  []string{"kserve: pkg/controller/v1alpha2/llmisvc/router_group.go (injectGroupBackendRefs)", "kserve#5727"},
			Holds: []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 20}}},
			Kinds: []rule.Kind{rule.LLMInferenceService},
		},
		Check: func(c *rule.Context) {
			members := slices.Clone(c.Objects(rule.LLMInferenceService))
			slices.SortStableFunc(members, func(a, b *rule.Object) int { return cmp.Compare(a.Name, b.Name) })
			first := map[string]*rule.Object{}
			for _, object := range members {
				group := object.Field("spec", "router", "route", "group")
				if group.Text() == "" {
					continue
				}
				key := object.Namespace + "/" + group.Text()
				if first[key] == nil {
					first[key] = object
				} else if a, b := modelName(first[key]), modelName(object); a != b {
					c.Report(group, "%s of the same group serves %q and this one %q, so they share nothing", first[key], a, b)
				}
			}
		},
	}
}

// modelName is what KServe takes for the model's (SetDefaults).
func modelName(object *rule.Object) string {
	if name := object.Field("spec", "model", "name").Text(); name != "" {
		return name
	}
	return object.Name
}
