package serving

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func samePriority() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0210", Name: "runtimes-with-same-priority", Level: finding.Error,
			Summary: "Runtimes that are chosen automatically have priorities of their own.",
			Why: "The webhook refuses a second runtime of a namespace, or of the cluster, that offers the same format with autoSelect, a common protocol version and the same priority, " +
				"and a runtime that gives one format two priorities. Which of the two is refused depends on the order in which they are applied. " +
				"Two priorities of one format are found only where the namespace has a runtime already: the first one passes, and is refused when it is applied again.",
			How:   "Give each runtime another priority, or autoSelect: false and name it in the InferenceService.",
			Refs:  []string{"kserve#3180", "opendatahub-io/kserve#486", "kserve: pkg/webhook/admission/servingruntime/servingruntime_webhook.go"},
			Kinds: []rule.Kind{rule.ServingRuntime, rule.ClusterServingRuntime},
		},
		Check: func(c *rule.Context) {
			for _, kind := range []rule.Kind{rule.ServingRuntime, rule.ClusterServingRuntime} {
				runtimes := c.Objects(kind)
				for i, runtime := range runtimes {
					checkOwnPriorities(c, runtime)
					for _, other := range runtimes[:i] {
						if other.Namespace == runtime.Namespace {
							checkPriorities(c, runtime, other)
						}
					}
				}
			}
		},
	}
}

// checkOwnPriorities is validateModelFormatPrioritySame.
func checkOwnPriorities(c *rule.Context, runtime *rule.Object) {
	priorities := map[string]int64{}
	for format := range autoSelected(runtime) {
		name, priority := format.Field("name").Text(), format.Field("priority")
		n, ok := priority.Int()
		if !ok {
			continue
		}
		if first, seen := priorities[name]; seen && first != n {
			c.Report(priority, "format %s has priorities %d and %d in one runtime", name, first, n)
		} else if !seen {
			priorities[name] = n
		}
	}
}

// checkPriorities is validateServingRuntimePriority.
func checkPriorities(c *rule.Context, runtime, other *rule.Object) {
	if runtime.Field("spec", "disabled").Is(true) || other.Field("spec", "disabled").Is(true) ||
		runtime.Field("spec", "multiModel").Is(true) != other.Field("spec", "multiModel").Is(true) {
		return
	}
	protocols := other.Field("spec", "protocolVersions").Strings()
	if !slices.ContainsFunc(runtime.Field("spec", "protocolVersions").Strings(), func(p string) bool { return slices.Contains(protocols, p) }) {
		return
	}
	for format := range autoSelected(runtime) {
		for theirs := range autoSelected(other) {
			same := strings.EqualFold(format.Field("name").Text(), theirs.Field("name").Text()) &&
				format.Field("version").Scalar() == theirs.Field("version").Scalar()
			mine, ok := format.Field("priority").Int()
			if same && ok && mine == theirs.Field("priority").IntOr(-1) {
				c.Report(format.Field("priority"), "runtime %s offers %s with priority %d too", other.Name, format.Field("name").Text(), mine)
			}
		}
	}
}

func autoSelected(runtime *rule.Object) func(func(rule.Value) bool) {
	return func(yield func(rule.Value) bool) {
		for format := range runtime.Field("spec", "supportedModelFormats").Items() {
			if format.Field("autoSelect").Is(true) && !yield(format) {
				return
			}
		}
	}
}
