package scaling

import (
	"regexp"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func nobodyWakes() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0518", Name: "nothing-wakes-it", Level: finding.Error,
			Summary: "What scales to zero has a trigger that sees requests while no pod is there.",
			Why: "Metrics of vLLM come from its pods, and so does the use of CPU and memory. At zero there are none, KEDA reads nothing as 0, and no request ever starts a replica again. " +
				"Without a minReplicaCount KEDA's minimum is 0, and with an idleReplicaCount of 0 it goes there below any.",
			How:   "Add a trigger by what the gateway counts, such as istio_requests_total of the destination, or set minReplicaCount to 1 and leave out idleReplicaCount.",
			Refs:  []string{"keda: pkg/scalers/prometheus_scaler.go (ExecutePromQuery)", "keda: pkg/scaling/executor/scale_scaledobjects.go (RequestScale)", "kserve#6001"},
			Kinds: rule.WorkloadKinds(rule.ScaledObject),
		},
		Check: func(c *rule.Context) {
			for _, scaled := range c.Objects(rule.ScaledObject) {
				least := scaled.Field("spec", "idleReplicaCount") // KEDA goes there where no trigger is active
				if !least.Found() {
					least = scaled.Field("spec", "minReplicaCount")
				}
				if least.IntOr(0) != 0 || target(c, scaled) == nil || wakes(scaled) {
					continue
				}
				at := scaled.Field("spec", "triggers")
				if least.Found() {
					at = least
				}
				c.Report(at, "at 0 replicas every trigger reads what only a pod could tell, so nothing starts one again")
			}
		},
	}
}

// wakes says whether a trigger may be active without a pod. Of one that isn't known to read the pods nothing is said.
func wakes(scaled *rule.Object) bool {
	for trigger := range scaled.Field("spec", "triggers").Items() {
		switch kind := trigger.Field("type").Text(); {
		case kind == "cpu" || kind == "memory":
		case kind != "prometheus" || !ofPodsAlone(trigger.Field("metadata", "query").Text()):
			return true
		}
	}
	return false
}

// selected finds the names of series that a query selects by labels.
var selected = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*[{\[]`)

// without finds what gives a number where there are no series: absent(), or a constant over 0.
var without = regexp.MustCompile(`\babsent(_over_time)?\s*\(|\bvector\s*\(\s*[^0\s)]`)

// ofPodsAlone says whether a query is about metrics of vLLM, selects none of anything else, and gives nothing without them.
func ofPodsAlone(query string) bool {
	if without.MatchString(query) {
		return false
	}
	for _, match := range selected.FindAllStringSubmatch(query, -1) {
		if !strings.HasPrefix(match[1], "vllm:") && !strings.HasPrefix(match[1], "vllm_") {
			return false
		}
	}
	return metricName.MatchString(query)
}
