package istio

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// retryOn holds only failures before the server has seen the request. 5xx, gateway-error and reset would send
// a prompt twice to GPUs that may be at work on it.
const retryOn = "connect-failure,refused-stream,reset-before-request"

// VirtualService shares requests between the revisions: testers by their header, sticky buckets, then weights.
//
// The weights are constants, 100 for the first revision: an overlay's traffic.yaml says the real ones, so that
// a canary step changes one number and no other file. Every route has its weight written out, 0 included, for
// traffic.yaml to replace.
func VirtualService(t spec.Target) manifest.Object {
	vs := &clientv1.VirtualService{
		TypeMeta:   metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: "VirtualService"},
		ObjectMeta: meta(t, t.Name, spec.ComponentRouting),
	}
	vs.Spec.Hosts = []string{StableHost(t)}
	vs.Spec.Gateways = []string{meshGateway}
	if t.Expose != nil {
		vs.Spec.Hosts = append(append([]string{}, t.Expose.Hosts...), StableHost(t))
		vs.Spec.Gateways = []string{t.Expose.Gateway, meshGateway}
	}
	at := map[string]string{}
	rules := traffic.Rules(t)
	for i, rule := range rules {
		switch {
		case rule.Sticky:
			at[pointer(i)+"/match"] = rule.Comment()
		case rule.Revision != "":
			at[pointer(i)] = rule.Comment()
		}
		for m, mirror := range rule.Mirrors {
			at[fmt.Sprintf("%s/mirrors/%d", pointer(i), m)] = mirror.Comment()
		}
		vs.Spec.Http = append(vs.Spec.Http, route(t, rule))
	}
	last := len(rules) - 1
	at[pointer(last)+"/route"] = "Constant here; the overlay's traffic.yaml says the weights."
	at[pointer(last)+"/retries"] = "Only before the server has the request: a prompt is never generated twice. No timeout:\nIstio's default is none, and any would cut a stream."
	explicit := map[string]any{}
	for i, destination := range vs.Spec.Http[last].Route {
		if destination.Weight == 0 {
			explicit[fmt.Sprintf("%s/route/%d/weight", pointer(last), i)] = int64(0)
		}
	}
	return manifest.Object{
		File: "virtualservice", Typed: vs, Explicit: explicit,
		Comments: manifest.Comments{Head: "How requests to " + t.ServedName + " are shared between its revisions.", At: at},
	}
}

func pointer(rule int) string { return fmt.Sprintf("/spec/http/%d", rule) }

func route(t spec.Target, rule traffic.Rule) *networking.HTTPRoute {
	route := &networking.HTTPRoute{Name: rule.Name, Rewrite: rewrite(t), Retries: retries()}
	for _, mirror := range rule.Mirrors {
		route.Mirrors = append(route.Mirrors, &networking.HTTPMirrorPolicy{
			Destination: destination(t, mirror.Revision), Percentage: &networking.Percent{Value: float64(mirror.Percent)},
		})
	}
	if rule.Revision != "" {
		route.Match = matches(t, header(rule))
		route.Route = []*networking.HTTPRouteDestination{{Destination: destination(t, rule.Revision), Headers: reveal(t, rule.Revision)}}
		return route
	}
	if selects(t) {
		route.Match = matches(t, &networking.HTTPMatchRequest{})
	}
	for i, r := range t.Revisions {
		route.Route = append(route.Route, &networking.HTTPRouteDestination{
			Destination: destination(t, r.Name), Weight: int32(traffic.ConstantWeight(i)), Headers: reveal(t, r.Name),
		})
	}
	return route
}

// reveal names the revision in its answers, where that is wanted.
func reveal(t spec.Target, revision string) *networking.Headers {
	if t.Expose == nil || !t.Expose.RevealRevision {
		return nil
	}
	return &networking.Headers{Response: &networking.Headers_HeaderOperations{Set: map[string]string{spec.RevisionHeader: revision}}}
}

func header(rule traffic.Rule) *networking.HTTPMatchRequest {
	match := exact(rule.Value)
	if rule.Sticky {
		match = &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: rule.Value}}
	}
	return &networking.HTTPMatchRequest{Headers: map[string]*networking.StringMatch{rule.Header: match}}
}

// selects reports whether the model shares its hosts and is chosen by a path or a header.
func selects(t spec.Target) bool {
	return t.Expose != nil && (t.Expose.Path != "" || t.Expose.Header != nil)
}

// matches adds what selects the model where several share a host. Callers inside the mesh use the model's own
// Service and need nothing of it; for them the rewrite replaces / by /.
func matches(t spec.Target, base *networking.HTTPMatchRequest) []*networking.HTTPMatchRequest {
	if !selects(t) {
		return []*networking.HTTPMatchRequest{base}
	}
	gateway, mesh := base, base.DeepCopy()
	gateway.Gateways = []string{t.Expose.Gateway}
	mesh.Gateways = []string{meshGateway}
	if t.Expose.Path != "" {
		gateway.Uri = prefix(t.Expose.Path)
		mesh.Uri = prefix("/")
	} else {
		if gateway.Headers == nil {
			gateway.Headers = map[string]*networking.StringMatch{}
		}
		gateway.Headers[t.Expose.Header.Header] = exact(t.Expose.Header.Value)
	}
	return []*networking.HTTPMatchRequest{gateway, mesh}
}

func rewrite(t spec.Target) *networking.HTTPRewrite {
	if t.Expose == nil || t.Expose.Path == "" {
		return nil
	}
	return &networking.HTTPRewrite{Uri: "/"}
}

func retries() *networking.HTTPRetry { return &networking.HTTPRetry{Attempts: 2, RetryOn: retryOn} }

func exact(value string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: value}}
}

func prefix(value string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: value}}
}
