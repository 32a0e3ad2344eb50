package istio

import (
	"fmt"
	"strconv"
	"strings"

	security "istio.io/api/security/v1beta1"
	apitype "istio.io/api/type/v1beta1"
	clientv1 "istio.io/client-go/pkg/apis/security/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

func selector(t spec.Target) *apitype.WorkloadSelector {
	return &apitype.WorkloadSelector{MatchLabels: t.Selector()}
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: kind}
}

// PeerAuthentication refuses plaintext on every port of the model's pods. There is no exception for metrics:
// vLLM serves them on the port of its API, and an open port there would open the API.
func PeerAuthentication(t spec.Target) manifest.Object {
	policy := &clientv1.PeerAuthentication{TypeMeta: typeMeta("PeerAuthentication"), ObjectMeta: meta(t, t.Name, spec.ComponentSecurity)}
	policy.Spec.Selector = selector(t)
	policy.Spec.Mtls = strict()
	head := "Plaintext is refused on every port of the model's pods. No exception for " + strconv.Itoa(t.Port()) + ": /metrics and the\nAPI share it. Prometheus uses the merged metrics on 15020, which the sidecar does not intercept."
	if t.MultiNode() {
		head += "\nNor does it intercept what the nodes of a replica say to each other: the NetworkPolicy guards that."
	}
	return manifest.Object{File: "peerauthentication", Typed: policy, Comments: manifest.Comments{Head: head}}
}

func strict() *security.PeerAuthentication_MutualTLS {
	return &security.PeerAuthentication_MutualTLS{Mode: security.PeerAuthentication_MutualTLS_STRICT}
}

// RequestAuthentication checks tokens; AuthorizationPolicies demands them.
func RequestAuthentication(t spec.Target) manifest.Object {
	jwt := t.Security.JWT
	policy := &clientv1.RequestAuthentication{TypeMeta: typeMeta("RequestAuthentication"), ObjectMeta: meta(t, t.Name, spec.ComponentSecurity)}
	policy.Spec.Selector = selector(t)
	policy.Spec.JwtRules = []*security.JWTRule{{
		Issuer: jwt.Issuer, Audiences: jwt.Audiences, JwksUri: jwt.JWKSURI, Jwks: jwt.JWKS, ForwardOriginalToken: false,
	}}
	head := "A bad token is refused here; a missing one by authorizationpolicy-gateway."
	if len(t.Security.Callers) > 0 {
		head += "\nAlso one from a caller inside the mesh: made-up API keys, which OpenAI clients send, get 401. Send none."
	}
	return manifest.Object{File: "requestauthentication", Typed: policy, Comments: manifest.Comments{Head: head}}
}

// AuthorizationPolicies lets the gateway and named callers in and nobody else.
func AuthorizationPolicies(t spec.Target) []manifest.Object {
	deny := authorization(t, "deny", nil)
	deny.Comments.Head = "Nobody may call but whom another policy of this model lets in: a policy without rules allows\nnothing. The kubelet's probes pass: the sidecar answers them on 15020 and asks the server itself."
	objects := []manifest.Object{deny}
	if t.Expose != nil {
		gateway := authorization(t, "gateway", gatewayRule(t))
		gateway.Comments.Head = "The ingress gateway may use the API, and nothing else of the server: /metrics, /tokenize or\n/invocations stay inside (vLLM's --api-key would leave those open)."
		objects = append(objects, gateway)
	}
	if accounts := t.MeshCallers(); len(accounts) > 0 {
		var principals []string
		for _, account := range accounts {
			principals = append(principals, principal(account))
		}
		callers := authorization(t, "callers", &security.Rule{
			From: []*security.Rule_From{{Source: &security.Source{Principals: principals}}},
			To:   api(t),
		})
		callers.Comments.Head = "Workloads inside the mesh that may use the API, by their mTLS identity."
		if t.Chat != nil && t.Security.JWT != nil {
			callers.Comments.Head += "\nThe chat's page has no token of security.jwt: who signs in there uses the model without one."
		}
		objects = append(objects, callers)
	}
	return objects
}

func authorization(t spec.Target, what string, rule *security.Rule) manifest.Object {
	policy := &clientv1.AuthorizationPolicy{TypeMeta: typeMeta("AuthorizationPolicy"), ObjectMeta: meta(t, t.Name+"-"+what, spec.ComponentSecurity)}
	policy.Spec.Selector = selector(t)
	if rule != nil {
		policy.Spec.Rules = []*security.Rule{rule}
	}
	return manifest.Object{File: "authorizationpolicy-" + what, Typed: policy}
}

func gatewayRule(t spec.Target) *security.Rule {
	source := gatewaySource(t)
	if jwt := t.Security.JWT; jwt != nil {
		source.RequestPrincipals = []string{jwt.Issuer + "/*"}
	}
	return &security.Rule{From: []*security.Rule_From{{Source: source}}, To: api(t)}
}

// gatewaySource is the gateway: its service account where that is named, else whatever runs in its namespace.
func gatewaySource(t spec.Target) *security.Source {
	namespace, _, _ := strings.Cut(t.Expose.Gateway, "/")
	if account := t.Expose.GatewayServiceAccount; account != "" {
		return &security.Source{Principals: []string{principal(namespace + "/" + account)}}
	}
	return &security.Source{Namespaces: []string{namespace}}
}

// api is the OpenAI API of the server and nothing else of it.
func api(t spec.Target) []*security.Rule_To {
	return []*security.Rule_To{{Operation: &security.Operation{
		Methods: []string{"GET", "POST"}, Paths: []string{"/v1/*"}, Ports: []string{strconv.Itoa(t.Port())},
	}}}
}

// principal is the mTLS identity of namespace/name.
func principal(account string) string {
	namespace, name, _ := strings.Cut(account, "/")
	return fmt.Sprintf("%s/ns/%s/sa/%s", trustDomain, namespace, name)
}
