package importer

import (
	"fmt"
	"regexp"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// summed is a query of one metric for all pods together, as the tree's own is.
var summed = regexp.MustCompile(`^\s*sum\s*\(\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?\s*\)\s*$`)

// scaledObject is KEDA's object for a workload, nil where there is none.
func (s *scene) scaledObject(w *workload) *manifest.Resource {
	return s.scalerOf(w, "ScaledObject", "keda.sh/")
}

// scaledFields are what KEDA is told of the number of replicas. It has 0 and 100 where nothing is said (its
// apis/keda/v1alpha1/scaledobject_types.go).
func scaledFields(scaled *manifest.Resource) (low, high any) {
	low, high = dig(scaled.Data, "spec", "minReplicaCount"), dig(scaled.Data, "spec", "maxReplicaCount")
	if low == nil {
		low = int64(0)
	}
	if high == nil {
		high = int64(100)
	}
	return low, high
}

// keda infers what a ScaledObject scales by, from the first trigger that asks Prometheus for the sum of a metric.
func (s *scene) keda(scaling map[string]any, scaled *manifest.Resource) {
	put(scaling, spec.KEDA, "type")
	for _, trigger := range items(dig(scaled.Data, "spec", "triggers")) {
		metric := summedBy(trigger)
		if metric == "" {
			continue
		}
		put(scaling, metric, "metric")
		put(scaling, quantityScalar(dig(trigger, "metadata", "threshold")), "target")
		if address := text(dig(trigger, "metadata", "serverAddress")); address != spec.PrometheusOperated(text(s.monitoring()["namespace"])) {
			put(scaling, address, "prometheus", "serverAddress")
		}
		put(scaling, text(dig(trigger, "authenticationRef", "name")), "prometheus", "authentication")
		break
	}
	schedule(scaling, scaled)
	if low, _ := scaledFields(scaled); number(low, 1) == 0 {
		put(scaling, duration(number(dig(scaled.Data, "spec", "cooldownPeriod"), 300)), "cooldown")
	}
}

// coldStart is spec.scaling.coldStart of an autoscaler whose windows a tree of ours computed from it, empty for others. Where those of
// two revisions differ, each was estimated: the document says one for both.
func coldStart(before string, hpa, scaled *manifest.Resource) string {
	var behavior map[string]any
	switch {
	case scaled != nil:
		behavior = fields(dig(scaled.Data, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"))
	case hpa != nil:
		behavior = fields(dig(hpa.Data, "spec", "behavior"))
	}
	up, down := items(dig(behavior, "scaleUp", "policies")), number(dig(behavior, "scaleDown", "stabilizationWindowSeconds"), 0)
	if len(up) != 1 || text(dig(up[0], "type")) != "Percent" || number(dig(up[0], "value"), 0) != 100 || down == 0 {
		return before
	}
	seconds := down
	if period := number(dig(up[0], "periodSeconds"), 0); period < spec.ShortestWindow {
		seconds = period
	}
	if is := duration(seconds); before == "" || before == is {
		return is
	}
	return spec.Auto
}

// summedBy is the metric of whose sum a trigger asks Prometheus, empty where it asks for anything else.
func summedBy(trigger any) string {
	match := summed.FindStringSubmatch(text(dig(trigger, "metadata", "query")))
	if text(dig(trigger, "type")) != "prometheus" || match == nil {
		return ""
	}
	return match[1]
}

// nameScaledObject names what is scaled, and the triggers that have no name: the one that the document says as the tree's, others
// by their types. What KEDA takes for granted is written out.
func nameScaledObject(spec map[string]any) {
	target := fields(spec["scaleTargetRef"])
	target["name"] = "the model server"
	for key, usual := range map[string]string{"apiVersion": "apps/v1", "kind": "Deployment"} {
		if target[key] == nil {
			target[key] = usual
		}
	}
	said := false
	for i, item := range items(spec["triggers"]) {
		trigger := fields(item)
		if trigger == nil || trigger["name"] != nil {
			continue
		}
		trigger["name"] = fmt.Sprint(text(trigger["type"]), " ", i)
		if !said && summedBy(trigger) != "" {
			trigger["name"], said = "load", true
		}
	}
}
