package watching

import (
	"maps"
	"regexp"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func labelOfNobody() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1304", Name: "pod-label-not-on-series", Level: finding.Warning,
			Summary: "A query selects by labels of pods that a monitor copies to their series.",
			Why: "A pod's labels are not on its series unless podTargetLabels of the PodMonitor, or of the ServiceMonitor, names them; the operator then writes _ for . and /. " +
				"A query that selects by one which is not copied finds nothing: an alert never fires, and an autoscaler stays where it is.",
			How:   "Add the label to podTargetLabels, or select by namespace and pod.",
			Refs:  []string{"prometheus-operator: Documentation/api-reference/api.md (podTargetLabels)", "prometheus-operator: pkg/prometheus/promcfg.go (sanitizeLabelName)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.PrometheusRule, rule.ScaledObject, rule.PodMonitor, rule.ServiceMonitor),
		},
		Check: func(c *rule.Context) {
			missing := notCopied(c)
			check := func(query rule.Value) {
				if !metricName.MatchString(query.Text()) {
					return
				}
				for _, name := range slices.Sorted(maps.Keys(missing)) {
					if matcherOf(name).MatchString(query.Text()) {
						c.Report(query, "it selects by %s, and no monitor copies %s from the pods", name, missing[name])
					}
				}
			}
			for _, object := range c.Objects(rule.PrometheusRule) {
				expressions(object, check)
			}
			for _, scaled := range c.Objects(rule.ScaledObject) {
				for trigger := range scaled.Field("spec", "triggers").Items() {
					check(trigger.Field("metadata", "query"))
				}
			}
		},
	}
}

// notCopied are the labels of the set's pods that its monitors do not copy, by what the operator would call them on series. None where the
// set has no monitor: then others collect.
func notCopied(c *rule.Context) map[string]string {
	monitors := slices.Concat(c.Objects(rule.PodMonitor), c.Objects(rule.ServiceMonitor))
	if len(monitors) == 0 {
		return nil
	}
	labels := map[string]string{}
	for _, workload := range c.Workloads() {
		for label := range workload.Labels {
			if name := sanitized(label); name != label {
				labels[name] = label
			}
		}
	}
	for _, monitor := range monitors {
		for _, label := range monitor.Field("spec", "podTargetLabels").Strings() {
			delete(labels, sanitized(label))
		}
		for _, list := range []string{"podMetricsEndpoints", "endpoints"} {
			for endpoint := range monitor.Field("spec", list).Items() {
				for relabeling := range endpoint.Field("relabelings").Items() {
					delete(labels, relabeling.Field("targetLabel").Text())
				}
			}
		}
	}
	return labels
}

func sanitized(label string) string { return notInNames.ReplaceAllString(label, "_") }

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// matcherOf finds a label in the braces of a selector.
func matcherOf(name string) *regexp.Regexp {
	return regexp.MustCompile(`\{[^}]*\b` + name + `\s*(=|!)`)
}
