package naming

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func controlPlane() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0104", Name: "namespace-without-pod-webhook", Level: finding.Error,
			Summary: "A namespace with InferenceServices has no label control-plane.",
			Why: "KServe's pod webhook skips namespaces that carry the label `control-plane`, whatever its value. Pods start without the storage-initializer, " +
				"and the server finds no /mnt/models.",
			How:   "Remove the label control-plane from the Namespace, or serve models in another one.",
			Refs:  []string{"kserve: config/webhook/manifests.yaml (namespaceSelector)"},
			Kinds: []rule.Kind{rule.Namespace, rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			for _, namespace := range c.Objects(rule.Namespace) {
				// KServe's and Istio's own namespaces carry it rightly.
				if label := namespace.Label("control-plane"); label.Found() && serves(c, namespace.Name) {
					c.Report(label, "KServe's pod webhook skips namespace %s, where InferenceServices are", namespace.Name)
				}
			}
		},
	}
}

func serves(c *rule.Context, namespace string) bool {
	for _, service := range c.Objects(rule.InferenceService) {
		if service.Namespace == namespace {
			return true
		}
	}
	return false
}

func modelName() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0105", Name: "model-container-named", Level: finding.Error, Refused: true,
			Summary: "spec.predictor.model has no name.",
			Why: "KServe's webhook refuses a name on a predictor that a runtime serves: the container is the runtime's, and it is always named kserve-container. " +
				"The CRD allows the field, so only the webhook of a running cluster says it.",
			How:   "Remove the name from the model.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/inference_service_validation.go (validatePredictor)"},
			Kinds: []rule.Kind{rule.InferenceService},
		},
		Check: func(c *rule.Context) {
			frameworks := []string{"model", "huggingface", "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "pmml", "lightgbm", "paddle"}
			for _, service := range c.Objects(rule.InferenceService) {
				for _, framework := range frameworks {
					if name := service.Field("spec", "predictor", framework, "name"); name.Text() != "" {
						c.Report(name, "the webhook refuses the name %q of a container that the runtime gives", name.Text()).Remove()
					}
				}
			}
		},
	}
}
