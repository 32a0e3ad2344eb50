package across

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func absentReference() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1002", Name: "reference-outside-of-set", Level: finding.Info,
			Summary: "The ServiceAccount and the claims that a predictor names, and the claims of a Job, are in the set, or somebody makes them.",
			Why: "Pods of a missing ServiceAccount aren't created, and pods that mount a missing claim stay Pending; the InferenceService only says that it isn't ready. " +
				"They may well come from elsewhere.",
			How:   "Add it to the set, or make sure that it exists before.",
			Refs:  []string{"kubernetes: docs/tasks/configure-pod-container/configure-service-account"},
			Whole: true,
			Kinds: rule.PredictorKinds(rule.ServiceAccount, rule.PersistentVolumeClaim, rule.Job),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				account := p.Spec.Field("serviceAccountName")
				if name := account.Text(); name != "" && name != "default" && c.Find(rule.ServiceAccount, p.Namespace, name) == nil {
					c.Report(account, "the set has no ServiceAccount %s in %s", name, rule.InNamespace(p.Namespace))
				}
				for _, uri := range p.StorageURIs() {
					if path, is := strings.CutPrefix(uri.Text(), "pvc://"); is {
						name, _, _ := strings.Cut(path, "/")
						wantClaim(c, uri, p.Namespace, name)
					}
				}
			}
			for _, job := range c.Jobs() {
				for _, claim := range job.Claims() {
					wantClaim(c, claim, job.Namespace, rule.ClaimName(claim))
				}
			}
		},
	}
}

// wantClaim reports a claim that is not in the set where it is named.
func wantClaim(c *rule.Context, at rule.Value, namespace, name string) {
	if c.Find(rule.PersistentVolumeClaim, namespace, name) == nil {
		c.Report(at, "the set has no PersistentVolumeClaim %s in %s", name, rule.InNamespace(namespace))
	}
}

func absentRuntime() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1003", Name: "runtime-outside-of-set", Level: finding.Info,
			Summary: "The runtime that an InferenceService names is in the set.",
			Why: "What the runtime says can't be judged here: its image, ports, probes and arguments. In a cluster without it the InferenceService stays in InvalidSpec; " +
				"KServe's own runtimes are installed separately from KServe.",
			How:   "Add the ServingRuntime to the set.",
			Refs:  []string{"kserve#4298", "kserve#5035"},
			Whole: true,
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.RuntimeName() != "" && p.Runtime == nil {
					c.Report(p.Model.Field("runtime"), "the set has no runtime %s, so rules about its pods are silent", p.RuntimeName())
				}
			}
		},
	}
}

func absentTarget() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1004", Name: "autoscaler-without-target", Level: finding.Error,
			Summary: "An autoscaler's target exists.",
			Why: "The Deployment of an InferenceService is named <name>-predictor, or <name>-<predictor>-predictor. An autoscaler with another target is accepted " +
				"and says so in its conditions only. Namespaces without workloads in the set aren't judged, unless another one has the target.",
			How:   "Write apps/v1, Deployment and <name>-predictor.",
			Refs:  []string{"kserve: pkg/constants/constants.go (PredictorServiceName)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.HorizontalPodAutoscaler, rule.ScaledObject),
		},
		Check: func(c *rule.Context) {
			for _, kind := range []rule.Kind{rule.HorizontalPodAutoscaler, rule.ScaledObject} {
				for _, autoscaler := range c.Objects(kind) {
					checkTarget(c, autoscaler)
				}
			}
		},
	}
}

// groups is the API group of LeaderWorkerSets.
const groups = "leaderworkerset.x-k8s.io"

func checkTarget(c *rule.Context, autoscaler *rule.Object) {
	target := autoscaler.Field("spec", "scaleTargetRef")
	kind, name := target.Field("kind").Text(), target.Field("name")
	group, _, _ := strings.Cut(target.Field("apiVersion").Text(), "/")
	if group == "apps" && !slices.Contains([]string{"", "Deployment", "StatefulSet", "ReplicaSet"}, kind) {
		c.Report(target.Field("kind"), "%s is no kind of apps that can be scaled", kind)
		return
	}
	if group == groups && kind != "" && kind != rule.LeaderWorkerSet.Name() {
		c.Report(target.Field("kind"), "%s is no kind of %s that can be scaled", kind, groups)
		return
	}
	if name.Text() == "" || !slices.Contains([]string{"", "Deployment", "StatefulSet", rule.LeaderWorkerSet.Name()}, kind) {
		return
	}
	isGroup := kind == rule.LeaderWorkerSet.Name()
	populated := false
	for _, workload := range c.InNamespace(autoscaler.Namespace) {
		if (workload.Kind == rule.LeaderWorkerSet) != isGroup {
			continue
		}
		if workload.Controller == name.Text() {
			return
		}
		populated = populated || workload.Controller != ""
	}
	if populated {
		c.Report(name, "the set makes no %s %s in %s", cmp.Or(kind, "Deployment"), name.Text(), rule.InNamespace(autoscaler.Namespace))
		return
	}
	for _, workload := range c.Workloads() {
		if workload.Controller == name.Text() && (workload.Kind == rule.LeaderWorkerSet) == isGroup && workload.Namespace != "" && autoscaler.Namespace != "" {
			c.Report(name, "%s %s is in %s", cmp.Or(kind, "Deployment"), name.Text(), rule.InNamespace(workload.Namespace))
			return
		}
	}
}

func twice() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1006", Name: "object-given-twice", Level: finding.Error,
			Summary: "An object is in the set once.",
			Why:     "Of two objects with the same kind, namespace and name kubectl applies one after the other, and the last one wins; Flux and kustomize refuse the set.",
			How:     "Remove one, or rename it.",
			Refs:    []string{"kustomize: api/resmap (may not add resource with an already registered id)"},
			Kinds:   nil,
		},
		Check: func(c *rule.Context) {
			type identity struct {
				kind            rule.Kind
				namespace, name string
			}
			first := map[identity]bool{}
			for _, object := range c.All() {
				at := identity{object.Kind, object.Namespace, object.Name}
				if object.Name != "" && first[at] {
					c.Report(object.Field("metadata", "name"), "%s is in the set already", object)
				}
				first[at] = true
			}
		},
	}
}
