package spec

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/sizing"
)

// KEDA is the type of scaling that makes ScaledObjects.
const KEDA = "keda"

// leastCooldown is how long a GPU is kept for the next request: what it costs to load a model again, about.
const leastCooldown = 10 * time.Minute

// ShortestWindow is the least that a load must have been less before a replica goes, in seconds: Kubernetes' own default.
const ShortestWindow = 300

// prometheusOperated is the Service that the Prometheus operator makes for every Prometheus of a namespace
// (governingServiceName in its pkg/prometheus/server/statefulset.go). Those that a Helm chart makes have the release's name.
const prometheusOperated = "prometheus-operated"

// checkKEDA fills in what only KEDA reads.
func (r *resolver) checkKEDA() {
	s := &r.spec.Scaling
	if s.Type != KEDA {
		return
	}
	p := &s.Prometheus
	if p.ServerAddress == "" {
		p.ServerAddress = PrometheusOperated(r.spec.Monitoring.Namespace)
	}
	if u, err := url.Parse(p.ServerAddress); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		r.failf("spec.scaling.prometheus.serverAddress", "%q is not a URL such as http://prometheus.monitoring.svc:9090", p.ServerAddress)
	}
	if p.Authentication != "" && !dnsLabel.MatchString(p.Authentication) {
		r.failf("spec.scaling.prometheus.authentication", "%q is not the name of a TriggerAuthentication", p.Authentication)
	}
}

// PrometheusOperated is the URL of what the Prometheus operator runs in a namespace, by default monitoring.
func PrometheusOperated(namespace string) string {
	return "http://" + prometheusOperated + "." + cmp.Or(namespace, defaultMonitoring) + ".svc:9090"
}

// checkLeast wants a replica at any time, but for KEDA: a HorizontalPodAutoscaler counts from 1. What wakes a model at zero
// are the requests that a gateway counts by Istio's names, since there is no pod then that could. A gateway in the model's own
// namespace is not told from the model's sidecars: whether Prometheus collects it would be asked of what sleeps.
func (r *resolver) checkLeast(low int) {
	const path = "spec.replicas.min"
	switch {
	case low < 0:
		r.failf(path, "must be at least 0, got %d", low)
	case low > 0:
	case r.spec.Scaling.Type != KEDA:
		r.failf(path, "0 takes scaling.type keda: nothing else starts a replica where there is none")
	case r.spec.Expose == nil:
		r.failf(path, "0 takes spec.expose: what wakes the model are the requests that the gateway counts")
	case r.spec.Expose.API == APIGateway && r.spec.Expose.GatewayClass != defaultGatewayClass:
		r.failf(path, "0 takes a gateway of class %s: nothing is known to count the requests through one of %q by Istio's names, and so nothing would wake the model", defaultGatewayClass, r.spec.Expose.GatewayClass)
	case strings.HasPrefix(r.spec.Expose.Gateway, r.m.Namespace+"/"):
		r.failf(path, "0 takes a gateway outside of namespace %s: Prometheus' series of it are not told there from those of the model's own proxies", r.m.Namespace)
	case r.spec.Chat.On():
		r.failf(path, "0 takes a model without spec.chat: the page asks inside the mesh, where the gateway counts nothing, and so nobody on it would wake the model")
	case r.spec.Expose.API == APIKServe && r.serving() == ServingLLMInferenceService:
		r.failf(path, "0 takes spec.expose.api istio or gateway: KServe leaves out of its routes what has no replica that is ready, and so nothing would wake it (isMemberRoutable)")
	}
}

// coldStart is what a replica takes to start, 0 where the autoscaler doesn't go by it. An estimate is the most that it may take:
// image and weights come at the rate of the slowest usual disk. The node itself is there.
func (r *resolver) coldStart(t RevisionTarget) time.Duration {
	const path = "spec.scaling.coldStart"
	switch said := r.spec.Scaling.ColdStart; said {
	case "":
		return 0
	case Auto:
		fetched := t.WeightsBytes
		switch scheme, _, _ := strings.Cut(t.Model.Source, "://"); {
		case t.Model.Source == "" || scheme == "pvc" || t.Model.Streamed:
			fetched = 0
		case fetched == 0:
			fetched = -1
		}
		return sizing.RolloutFor(t.Startup, fetched).Budget
	default:
		took, err := time.ParseDuration(said)
		if err != nil || took < time.Second {
			r.failf(path, "want auto, or what a replica takes to start, for example 12m, got %q", said)
		}
		return took
	}
}

// cooldown is that of a revision which goes to zero: not less than a replica may load, or one that was woken would be taken
// away before it answers.
func (r *resolver) cooldown(t RevisionTarget) time.Duration {
	if t.MinReplicas > 0 {
		return 0
	}
	least := max(leastCooldown, t.Startup.Budget, t.ColdStart)
	cooldown := r.spec.Scaling.Cooldown.Or(least)
	if cooldown < t.Startup.Budget {
		r.failf("spec.scaling.cooldown", "%s is less than the %s that a replica may take to start: one that was woken could go before it answers", cooldown, t.Startup.Budget)
	}
	return cooldown
}
