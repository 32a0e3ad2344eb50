package serving

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func blockedEnv() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0218", Name: "blocked-variable", Level: finding.Error, Refused: true,
			Summary: "No container sets PYTHONPATH.",
			Holds:   []rule.Range{{Product: rule.KServe, Since: rule.Version{Minor: 19}}},
			Why:     "KServe's webhooks refuse InferenceServices and runtimes whose containers set PYTHONPATH; the CRDs allow it.",
			How:     "Install the modules into the image.",
			Refs:    []string{"kserve: pkg/validation/env_policy.go"},
			Kinds:   rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			check := func(container rule.Value) {
				for variable := range container.Field("env").Items() {
					if name := variable.Field("name"); name.Text() == "PYTHONPATH" {
						c.Report(name, "the webhook refuses a container that sets PYTHONPATH")
					}
				}
			}
			for _, p := range c.Predictors() {
				check(p.Model)
				for container := range p.Spec.Field("containers").Items() {
					check(container)
				}
				for container := range p.Spec.Field("workerSpec", "containers").Items() {
					check(container)
				}
			}
			runtimes(c, func(runtime *rule.Object) {
				for container := range runtime.Field("spec", "containers").Items() {
					check(container)
				}
			})
		},
	}
}

func multiModelAgent() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0219", Name: "model-without-storage", Level: finding.Error,
			Summary: "A model has a storageUri, or the predictor is containers of its own.",
			Why: "A predictor with a model and no storage is a multi-model server to KServe: it adds an agent that pulls models by a ConfigMap, and its volume. " +
				"Only the format huggingface is exempt, so vLLM with --model=<id> or a volume of its own gets the agent too.",
			How:   "Set storageUri; to load the model otherwise use spec.predictor.containers, or the format huggingface.",
			Refs:  []string{"kserve#2568", "kserve#3449", "kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (IsMMSPredictor)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				format := p.Model.Field("modelFormat", "name")
				if !p.IsModel() || len(p.StorageURIs()) > 0 || p.Model.Field("storage").Found() || format.Text() == "huggingface" ||
					p.Mode() == "ModelMesh" || p.Spec.Field("containers").Len() > 0 || !format.Found() {
					continue
				}
				c.Report(p.Model, "without storage KServe takes this for a multi-model server and adds its agent")
			}
		},
	}
}

func ignoredPodFields() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0220", Name: "runtime-field-ignored", Level: finding.Warning,
			Summary: "hostIPC of a runtime is ignored.",
			Why: "Of a runtime's pod KServe takes nodeSelector, affinity, tolerations, volumes, imagePullSecrets and schedulerName, and no more. " +
				"NCCL then finds the 64 MiB of /dev/shm that a container has by default.",
			How:   "Remove hostIPC and mount an emptyDir with medium Memory on /dev/shm.",
			Refs:  []string{"kserve#3791", "kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergePodSpec)"},
			Kinds: []rule.Kind{rule.ServingRuntime, rule.ClusterServingRuntime},
		},
		Check: func(c *rule.Context) {
			runtimes(c, func(runtime *rule.Object) {
				if ipc := runtime.Field("spec", "hostIPC"); ipc.Is(true) {
					c.Report(ipc, "KServe doesn't copy hostIPC from a runtime to the pod").Remove()
				}
			})
		},
	}
}

func smallResources() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0214", Name: "default-resources", Level: finding.Warning,
			Summary: "A predictor with an accelerator says its own CPU and memory.",
			Why: "The built-in runtimes request and limit 1 CPU and 2 GiB, and the InferenceService is merged over them: with limits for the GPU alone these stay. " +
				"Loading the weights of an LLM is then killed for memory.",
			How:   "Set cpu and memory in the InferenceService's requests and limits.",
			Refs:  []string{"kserve: config/runtimes/kserve-vllmserver.yaml"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				main := p.Main()
				if !p.IsModel() || main.DeviceCount() == 0 || p.Known() && !rule.IsVLLM(main) {
					continue
				}
				limit := main.Field("resources", "limits", "memory")
				memory, ok := rule.ParseQuantity(limit.Scalar())
				switch {
				case ok && memory <= 2<<30:
					c.Report(limit, "%s of memory is what the built-in runtimes have, and less than an accelerator's weights need", limit.Scalar())
				case !limit.Found() && !p.Known():
					c.Report(p.Model.Field("resources"), "%s decides the memory; the built-in ones give 2Gi", runtimeOf(p))
				}
			}
		},
	}
}

// runtimeOf names a runtime that is not in the set.
func runtimeOf(p *rule.Predictor) string {
	if name := p.RuntimeName(); name != "" {
		return "runtime " + name + ", which isn't in the set,"
	}
	return "the runtime that KServe chooses by the model's format"
}
