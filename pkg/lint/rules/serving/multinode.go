package serving

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func multiNodeRefused() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0224", Name: "multi-node-refused", Level: finding.Error, Refused: true,
			Summary: "A predictor over several nodes keeps the rules of KServe's webhook.",
			Why: "With a workerSpec the webhook wants the annotation serving.kserve.io/autoscalerClass: none, a storageUri of pvc:// or oci://, at most one worker container, " +
				"and the parallel sizes in workerSpec instead of variables.",
			How:   "Annotate serving.kserve.io/autoscalerClass: none, load from pvc:// or oci://, keep one worker container, and write the parallel sizes in workerSpec.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/inference_service_validation.go (validateMultiNodeVariables)", "kserve#4784"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if worker := p.Spec.Field("workerSpec"); worker.Found() {
					checkWorker(c, p, worker)
				}
			}
		},
	}
}

func checkWorker(c *rule.Context, p *rule.Predictor, worker rule.Value) {
	if containers := worker.Field("containers"); containers.Len() > 1 {
		c.Report(containers, "the webhook refuses more than one container in workerSpec").Fix("Keep one container; run the others beside the server, in the runtime.")
	}
	for _, field := range []string{"pipelineParallelSize", "tensorParallelSize"} {
		if size := worker.Field(field); size.IntOr(1) < 1 {
			c.Report(size, "%s is at least 1", field).Fix("Write 1 or more, or leave it out.")
		}
	}
	if !p.IsModel() {
		return
	}
	for variable := range p.Model.Field("env").Items() {
		if name := variable.Field("name"); name.Text() == "PIPELINE_PARALLEL_SIZE" || name.Text() == "TENSOR_PARALLEL_SIZE" {
			c.Report(name, "the webhook refuses %s here; set it in workerSpec", name.Text()).Fix("Remove the variable and write the size in spec.predictor.workerSpec.")
		}
	}
	uri := p.Model.Field("storageUri")
	scheme, _, _ := strings.Cut(uri.Text(), "://")
	switch {
	case !uri.Found():
		c.Report(p.Model, "a predictor over several nodes needs a storageUri of pvc:// or oci://").Fix("Add storageUri: pvc://<claim>/<path>, of a claim that all nodes can mount, or oci://<image>.")
	case scheme != "pvc" && scheme != "oci":
		c.Report(uri, "the workers cannot load from %s://, only from pvc:// or oci://", scheme).Fix("Copy the model to a claim that all nodes can mount and write pvc://<claim>/<path>, or to an image and write oci://<image>.")
	}
	if p.Annotation(rule.ClassAnnotation).Text() != "none" {
		c.Report(worker, "a predictor over several nodes needs the annotation %s: none", rule.ClassAnnotation).Fix("Add the annotation " + rule.ClassAnnotation + ": none to the InferenceService.")
	}
}

func multiNodeRuntime() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0225", Name: "workers-of-one-side", Level: finding.Error,
			Summary: "InferenceService and runtime both have a workerSpec, or neither has.",
			Why: "With a workerSpec in the InferenceService alone, KServe's controller dereferences the runtime's and panics, again with every retry. " +
				"With one in the runtime alone the server starts on a single node and waits for workers that nobody makes.",
			How:   "Use a runtime for several nodes and set workerSpec: {} in the InferenceService.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/components/predictor.go (reconcileWorker)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Runtime == nil {
					continue
				}
				own, runtime := p.Spec.Field("workerSpec"), p.Runtime.Field("spec", "workerSpec")
				switch {
				case own.Found() && !runtime.Found():
					c.Report(own, "runtime %s has no workerSpec; the controller panics", p.Runtime.Name)
				case !own.Found() && runtime.Found():
					c.Report(p.Model.Field("runtime"), "runtime %s is for several nodes, and no workers are asked for", p.Runtime.Name)
				}
			}
		},
	}
}
