package k8s

import (
	"fmt"
	"strconv"
	"strings"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// poll is how often KEDA asks where an HPA doesn't: as often as the PodMonitor has Prometheus collect, in seconds.
	poll = 15
	// failures is how many answers Prometheus may owe in a row before the fallback.
	failures = 3
	// wakeWindow is how long a request keeps a model that can go to zero awake by itself: two collections of the gateway's
	// counts and some, at the minute that Prometheus has as its default.
	wakeWindow = "2m30s"
	// knownBefore is wakeWindow and one collection: what the gateway counted before the window has been seen then.
	knownBefore = "3m30s"
)

// ScaledObject has KEDA scale one revision on a metric of vLLM, by a HorizontalPodAutoscaler that it makes. Where a revision
// may go to zero, a second trigger says whether anyone asks: nothing of the pods can, while there is none.
func ScaledObject(t spec.Target, r spec.RevisionTarget) manifest.Object {
	name := t.Qualified(r.Name)
	target, what := scaledBy(t, r)
	pace := paceOf(r)
	scaled := &kedav1alpha1.ScaledObject{
		TypeMeta:   typeMeta(kedav1alpha1.GroupVersion.String(), "ScaledObject"),
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentScaling, r.Name)},
		Spec: kedav1alpha1.ScaledObjectSpec{
			ScaleTargetRef:  &kedav1alpha1.ScaleTarget{APIVersion: target.APIVersion, Kind: target.Kind, Name: target.Name},
			PollingInterval: ptr.To[int32](poll),
			MinReplicaCount: ptr.To(int32(r.MinReplicas)),
			MaxReplicaCount: ptr.To(int32(r.MaxReplicas)),
			Fallback: &kedav1alpha1.Fallback{
				FailureThreshold: failures, Replicas: int32(max(r.MinReplicas, 1)), Behavior: kedav1alpha1.FallbackBehaviorCurrentReplicasIfHigher,
			},
			Advanced: &kedav1alpha1.AdvancedConfig{HorizontalPodAutoscalerConfig: &kedav1alpha1.HorizontalPodAutoscalerConfig{Behavior: pace.HorizontalPodAutoscalerBehavior}},
			Triggers: []kedav1alpha1.ScaleTriggers{loadTrigger(t, r)},
		},
	}
	const behavior = "/spec/advanced/horizontalPodAutoscalerConfig/behavior"
	at := map[string]string{
		"/spec/scaleTargetRef":  what,
		"/spec/fallback":        "Without Prometheus what runs goes on running.",
		"/spec/triggers/0":      "One number: the sum over the pods of this revision, by the labels that the PodMonitor copies from them.\nKEDA's HorizontalPodAutoscaler divides it by them, whatever their number.",
		behavior + "/scaleUp":   pace.up,
		behavior + "/scaleDown": pace.down,
	}
	if r.MinReplicas == 0 {
		toZero(t, r, scaled, at)
	}
	if hours := hourTriggers(t); len(hours) > 0 {
		at[fmt.Sprintf("/spec/triggers/%d", len(scaled.Spec.Triggers))] = hoursComment
		scaled.Spec.Triggers = append(scaled.Spec.Triggers, hours...)
	}
	return manifest.Object{
		File: "scaledobject-" + r.Name, Typed: scaled, Absent: []string{"/spec/advanced/scalingModifiers"},
		Comments: manifest.Comments{Head: "Replicas of " + name + " by " + t.Scaling.Metric + ", for KEDA. CPU says nothing about a GPU server.", At: at},
	}
}

// toZero adds what takes the last replica away, and what wakes the first.
func toZero(t spec.Target, r spec.RevisionTarget, scaled *kedav1alpha1.ScaledObject, at map[string]string) {
	cooldown := ptr.To(int32(r.Cooldown.Seconds()))
	scaled.Spec.CooldownPeriod, scaled.Spec.InitialCooldownPeriod = cooldown, cooldown
	scaled.Spec.Triggers = append(scaled.Spec.Triggers, activityTrigger(t, r))
	at["/spec/cooldownPeriod"] = "Seconds without a request until the last replica goes. Not less than a replica may load."
	at["/spec/initialCooldownPeriod"] = "A new revision comes up once: what is wrong with it shows now, and not when somebody asks."
	if len(t.Revisions) > 1 {
		at["/spec/minReplicaCount"] = "Before its first weight have a tester wake it: its share is answered with 503 until a replica is ready."
	}
	at["/spec/triggers/1"] = "1 while anyone asks, which wakes the first replica and keeps the last: requests that Envoy sent here, or\n" +
		"had nobody to send to; those that run or wait; and where the gateway's Envoy is not collected, so\n" +
		"that nobody could wake it. Requests are answered with 503 until the replica is ready."
}

// loadTrigger asks for the metric of all pods together. With at least one replica a metric that isn't there is an error,
// which the ScaledObject shows; at zero that is how it should be.
func loadTrigger(t spec.Target, r spec.RevisionTarget) kedav1alpha1.ScaleTriggers {
	target := resource.MustParse(t.ScalingTarget(r))
	trigger := prometheus(t, "load", fmt.Sprintf("sum(%s{%s})", t.Scaling.Metric, podsOf(t, r)), strconv.FormatFloat(target.AsApproximateFloat64(), 'f', -1, 64))
	if r.MinReplicas > 0 {
		trigger.Metadata["ignoreNullValues"] = "false"
	}
	return trigger
}

// activityTrigger is 1 or 0, so that it never asks for a second replica. A counter that is new in the window counts whole:
// the increase of the first request that a gateway ever sent here would be none (Prometheus' increase needs two samples).
// destination_service is there for a request that finds no pod, too, since it comes from the cluster; the label of the namespace
// comes from the pod (istio/proxy: source/extensions/filters/http/istio_stats/istio_stats.cc).
//
// A Prometheus that begins, with an empty volume or after a gap, has every counter as new, and has not collected the gateway
// yet: what it does not have says something only where it had collected by then.
func activityTrigger(t spec.Target, r spec.RevisionTarget) kedav1alpha1.ScaleTriggers {
	requests := fmt.Sprintf(`istio_requests_total{reporter="source", destination_service="%s.%s.svc.cluster.local"}`, t.Predictor(r.Name), t.Namespace)
	gateway := gatewaySeries(t)
	parts := []string{
		fmt.Sprintf("(sum(increase(%s[%s])) or vector(0))", requests, wakeWindow),
		fmt.Sprintf("(sum(%s unless %s offset %s) and sum(count_over_time(%s[2m] offset %s)) or vector(0))", requests, requests, wakeWindow, gateway, knownBefore),
		fmt.Sprintf("(sum(vllm:num_requests_running{%s}) or vector(0))", podsOf(t, r)),
		fmt.Sprintf("(sum(vllm:num_requests_waiting{%s}) or vector(0))", podsOf(t, r)),
		fmt.Sprintf("(sum(absent_over_time(%s[5m])) and sum(count_over_time(up[2m] offset 1m)) or vector(0))", gateway),
	}
	return prometheus(t, "activity", "clamp_max(\n  "+strings.Join(parts, "\n  + ")+",\n1)", "1")
}

// gatewaySeries selects what every Envoy of the gateway's namespace has, whatever it has been asked: Istio's proxies count
// "server" in any case (requiredEnvoyStatsMatcherInclusionPrefixes in its pkg/bootstrap/config.go). What else runs there has an
// up, and says nothing of the gateway.
func gatewaySeries(t spec.Target) string {
	namespace, _, _ := strings.Cut(t.Expose.Gateway, "/")
	return fmt.Sprintf("envoy_server_live{namespace=%q}", namespace)
}

// podsOf selects the series of a revision's pods by the labels that the PodMonitor copies from them (PodTargetLabels), in the
// spelling that the operator gives them. Names of pods would not do: Kubernetes cuts what they begin with at 58 characters, so that
// the dash before the last five goes, or the hash (maxGeneratedNameLength in its apiserver's pkg/storage/names/generate.go).
func podsOf(t spec.Target, r spec.RevisionTarget) string {
	return fmt.Sprintf(`namespace=%q, %s=%q, %s=%q`, t.Namespace, spec.SeriesLabel(spec.ModelLabel), t.Name, spec.SeriesLabel(spec.RevisionLabel), r.Name)
}

// prometheus is a trigger by a query that gives one number, of which each replica may have as much as the threshold.
func prometheus(t spec.Target, name, query, threshold string) kedav1alpha1.ScaleTriggers {
	trigger := kedav1alpha1.ScaleTriggers{
		Type: "prometheus", Name: name, MetricType: autoscalingv2.AverageValueMetricType,
		Metadata: map[string]string{"serverAddress": t.Scaling.Prometheus.ServerAddress, "query": query, "threshold": threshold},
	}
	if authentication := t.Scaling.Prometheus.Authentication; authentication != "" {
		trigger.AuthenticationRef = &kedav1alpha1.AuthenticationRef{Name: authentication}
	}
	return trigger
}
