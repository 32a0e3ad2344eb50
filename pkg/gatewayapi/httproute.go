package gatewayapi

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// servicePort is the port of the model's Service, and of the page's.
const servicePort = 80

// HTTPRoutes share requests between the revisions: one for those through the gateway, one for those of callers inside the
// mesh to the model's Service. They have the same rules in the same order, so that one traffic.yaml weights both; a path
// or a header selects the model at the gateway alone.
//
// Without the Service there is nothing for the second to hold for. An implementation without a mesh ignores it.
func HTTPRoutes(t spec.Target) []manifest.Object {
	outside := httpRoute(t, t.Name, t.Expose, Parent(t))
	outside.File = "httproute"
	outside.Comments.Head = "How requests to " + t.ServedName + " through the gateway are shared between its revisions."
	if t.Omits(spec.OmitService) {
		return []manifest.Object{outside}
	}
	inside := httpRoute(t, t.MeshRoute(), &spec.Expose{}, gateway.ParentReference{
		Group: ptr.To[gateway.Group](""), Kind: ptr.To[gateway.Kind]("Service"),
		Name: gateway.ObjectName(t.Name), Port: ptr.To[gateway.PortNumber](servicePort),
	})
	inside.File = "httproute-mesh"
	inside.Comments.Head = "The same for callers inside the mesh, who use Service " + t.Name + " (https://gateway-api.sigs.k8s.io/mesh/)."
	return []manifest.Object{outside, inside}
}

// Parent is the Gateway that the model is exposed at.
func Parent(t spec.Target) gateway.ParentReference {
	namespace, name, _ := strings.Cut(t.Expose.Gateway, "/")
	return gateway.ParentReference{
		Group: ptr.To[gateway.Group](gateway.GroupName), Kind: ptr.To[gateway.Kind]("Gateway"),
		Namespace: ptr.To(gateway.Namespace(namespace)), Name: gateway.ObjectName(name),
	}
}

// ChatRoute leads the page's host at the gateway to its pods.
func ChatRoute(t spec.Target) manifest.Object {
	route := &gateway.HTTPRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: gateway.GroupVersion.String(), Kind: "HTTPRoute"},
		ObjectMeta: metav1.ObjectMeta{Name: t.ChatName(), Namespace: t.Namespace, Labels: t.Labels(spec.ComponentChat)},
	}
	route.Spec.ParentRefs = []gateway.ParentReference{Parent(t)}
	route.Spec.Hostnames = []gateway.Hostname{gateway.Hostname(t.Chat.Host)}
	route.Spec.Rules = []gateway.HTTPRouteRule{{
		Name: ptr.To[gateway.SectionName]("chat"), Matches: []gateway.HTTPRouteMatch{match(&spec.Expose{}, traffic.Rule{})},
		BackendRefs: []gateway.HTTPBackendRef{{BackendRef: gateway.BackendRef{
			BackendObjectReference: gateway.BackendObjectReference{
				Group: ptr.To[gateway.Group](""), Kind: ptr.To[gateway.Kind]("Service"),
				Name: gateway.ObjectName(t.ChatName()), Port: ptr.To[gateway.PortNumber](servicePort),
			},
			Weight: ptr.To[int32](1),
		}}},
		Timeouts: &gateway.HTTPRouteTimeouts{Request: ptr.To[gateway.Duration]("0s")},
	}}
	return manifest.Object{File: "httproute-chat", Typed: route, Absent: []string{"/status"}, Comments: manifest.Comments{
		Head: "The page's host at the gateway.",
		At:   map[string]string{"/spec/rules/0/timeouts": "None, which some implementations have to be told: any would cut an answer."},
	}}
}

// Member is the route of one revision where KServe makes it, and puts the backends of all revisions in the place of the
// one that is named here.
func Member(t spec.Target, revision string) gateway.HTTPRouteSpec {
	member := rule(t, t.Expose, traffic.Rule{Name: "weights", Revision: revision})
	return gateway.HTTPRouteSpec{Hostnames: hostnames(t.Expose), Rules: []gateway.HTTPRouteRule{member}}
}

func hostnames(e *spec.Expose) []gateway.Hostname {
	var list []gateway.Hostname
	for _, host := range e.Hosts {
		list = append(list, gateway.Hostname(host))
	}
	return list
}

func httpRoute(t spec.Target, name string, e *spec.Expose, parent gateway.ParentReference) manifest.Object {
	route := &gateway.HTTPRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: gateway.GroupVersion.String(), Kind: "HTTPRoute"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.Labels(spec.ComponentRouting)},
	}
	route.Spec.ParentRefs = []gateway.ParentReference{parent}
	route.Spec.Hostnames = hostnames(e)
	at := map[string]string{}
	rules := traffic.Rules(t)
	for i, r := range rules {
		explain(at, fmt.Sprintf("/spec/rules/%d", i), r, e.Path != "")
		route.Spec.Rules = append(route.Spec.Rules, rule(t, e, r))
	}
	last := fmt.Sprintf("/spec/rules/%d", len(rules)-1)
	at[last+"/backendRefs"] = "Constant here; the overlay's traffic.yaml says the weights."
	at[last+"/timeouts"] = "None, which some implementations have to be told: any would cut a stream."
	return manifest.Object{Typed: route, Absent: []string{"/status"}, Comments: manifest.Comments{At: at}}
}

// explain comments what is not plain in a rule at a pointer.
func explain(at map[string]string, pointer string, r traffic.Rule, rewrites bool) {
	if comment := r.Comment(); comment != "" {
		at[pointer+"/matches"] = comment
	}
	if r.Sticky {
		at[pointer+"/matches"] += "\nAn expression is up to the implementation: Istio and others with Envoy know RE2."
	}
	first := 0
	if rewrites {
		first = 1
	}
	for i, mirror := range r.Mirrors {
		at[fmt.Sprintf("%s/filters/%d", pointer, first+i)] = mirror.Comment()
	}
}

func rule(t spec.Target, e *spec.Expose, r traffic.Rule) gateway.HTTPRouteRule {
	rule := gateway.HTTPRouteRule{
		Name:     ptr.To(gateway.SectionName(r.Name)),
		Matches:  []gateway.HTTPRouteMatch{match(e, r)},
		Filters:  filters(t, e, r),
		Timeouts: &gateway.HTTPRouteTimeouts{Request: ptr.To[gateway.Duration]("0s")},
	}
	if r.Revision != "" {
		rule.BackendRefs = []gateway.HTTPBackendRef{backend(t, r.Revision, traffic.ConstantWeight(0))}
		return rule
	}
	for i, revision := range t.Revisions {
		rule.BackendRefs = append(rule.BackendRefs, backend(t, revision.Name, traffic.ConstantWeight(i)))
	}
	return rule
}

// match has the header of the rule first, where traffic.yaml looks for it, and then what selects the model. The path's
// slash at the end means nothing to an HTTPRoute, and is left out.
func match(e *spec.Expose, r traffic.Rule) gateway.HTTPRouteMatch {
	path := "/"
	if e.Path != "" {
		path = strings.TrimSuffix(e.Path, "/")
	}
	m := gateway.HTTPRouteMatch{Path: &gateway.HTTPPathMatch{Type: ptr.To(gateway.PathMatchPathPrefix), Value: ptr.To(path)}}
	if r.Sticky {
		m.Headers = append(m.Headers, header(gateway.HeaderMatchRegularExpression, r.Header, Whole(r.Value)))
	} else if r.Header != "" {
		m.Headers = append(m.Headers, header(gateway.HeaderMatchExact, r.Header, r.Value))
	}
	if e.Header != nil {
		m.Headers = append(m.Headers, header(gateway.HeaderMatchExact, e.Header.Header, e.Header.Value))
	}
	return m
}

func header(how gateway.HeaderMatchType, name, value string) gateway.HTTPHeaderMatch {
	return gateway.HTTPHeaderMatch{Type: ptr.To(how), Name: gateway.HTTPHeaderName(name), Value: value}
}

// Whole makes an expression match all of a header's value. Envoy does so anyway, and the API leaves it open.
func Whole(expression string) string { return "^(?:" + expression + ")$" }

// filters remove the path that selects the model, and copy requests.
func filters(t spec.Target, e *spec.Expose, r traffic.Rule) []gateway.HTTPRouteFilter {
	var list []gateway.HTTPRouteFilter
	if e.Path != "" {
		list = append(list, gateway.HTTPRouteFilter{
			Type: gateway.HTTPRouteFilterURLRewrite,
			URLRewrite: &gateway.HTTPURLRewriteFilter{Path: &gateway.HTTPPathModifier{
				Type: gateway.PrefixMatchHTTPPathModifier, ReplacePrefixMatch: ptr.To("/"),
			}},
		})
	}
	for _, mirror := range r.Mirrors {
		list = append(list, gateway.HTTPRouteFilter{
			Type: gateway.HTTPRouteFilterRequestMirror,
			RequestMirror: &gateway.HTTPRequestMirrorFilter{
				BackendRef: service(t, mirror.Revision), Percent: ptr.To(int32(mirror.Percent)),
			},
		})
	}
	return list
}

func backend(t spec.Target, revision string, weight int) gateway.HTTPBackendRef {
	return gateway.HTTPBackendRef{Filters: reveal(t, revision), BackendRef: gateway.BackendRef{
		BackendObjectReference: service(t, revision), Weight: ptr.To(int32(weight)),
	}}
}

// reveal names the revision in its answers, where that is wanted. A filter of a backend is up to the implementation
// (gateway-api: apis/v1/httproute_types.go, HTTPBackendRef.Filters); Istio has it.
func reveal(t spec.Target, revision string) []gateway.HTTPRouteFilter {
	if t.Expose == nil || !t.Expose.RevealRevision {
		return nil
	}
	return []gateway.HTTPRouteFilter{{
		Type: gateway.HTTPRouteFilterResponseHeaderModifier,
		ResponseHeaderModifier: &gateway.HTTPHeaderFilter{
			Set: []gateway.HTTPHeader{{Name: spec.RevisionHeader, Value: revision}},
		},
	}}
}

// service is the Service of a revision, in the namespace of the route: no ReferenceGrant is needed.
func service(t spec.Target, revision string) gateway.BackendObjectReference {
	return gateway.BackendObjectReference{
		Group: ptr.To[gateway.Group](""), Kind: ptr.To[gateway.Kind]("Service"),
		Name: gateway.ObjectName(t.Predictor(revision)), Port: ptr.To(gateway.PortNumber(t.ServicePort())),
	}
}
