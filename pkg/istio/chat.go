package istio

import (
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	apitype "istio.io/api/type/v1beta1"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	clientsecurity "istio.io/client-go/pkg/apis/security/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// chatAPI is where the page talks to its server, and the server to the model. All else are files and the way to sign in.
const chatAPI = "/api/*"

// ChatVirtualService leads the page's host at the gateway to its pods.
func ChatVirtualService(t spec.Target) manifest.Object {
	vs := &clientv1.VirtualService{
		TypeMeta:   metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: "VirtualService"},
		ObjectMeta: meta(t, t.ChatName(), spec.ComponentChat),
	}
	vs.Spec.Hosts = []string{t.Chat.Host}
	vs.Spec.Gateways = []string{t.Expose.Gateway}
	vs.Spec.Http = []*networking.HTTPRoute{{
		Name:    "chat",
		Retries: &networking.HTTPRetry{},
		Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{
			Host: t.ChatName() + "." + t.Namespace + ".svc.cluster.local", Port: &networking.PortSelector{Number: chatServicePort},
		}}},
	}}
	return manifest.Object{
		File: "virtualservice-chat", Typed: vs, Explicit: map[string]any{"/spec/http/0/retries/attempts": int64(0)},
		Comments: manifest.Comments{
			Head: "The page's host at the gateway.",
			At:   map[string]string{"/spec/http/0/retries": "None, and no timeout: a question is asked again when its user says so, and any limit would cut an answer."},
		},
	}
}

// chatServicePort is the port of the page's Service.
const chatServicePort = 80

func chatSelector(t spec.Target) *apitype.WorkloadSelector {
	return &apitype.WorkloadSelector{MatchLabels: t.ChatSelector()}
}

// ChatPeerAuthentication refuses plaintext on every port of the page's pods.
func ChatPeerAuthentication(t spec.Target) manifest.Object {
	policy := &clientsecurity.PeerAuthentication{TypeMeta: typeMeta("PeerAuthentication"), ObjectMeta: meta(t, t.ChatName(), spec.ComponentChat)}
	policy.Spec.Selector = chatSelector(t)
	policy.Spec.Mtls = strict()
	return manifest.Object{File: "peerauthentication-chat", Typed: policy, Comments: manifest.Comments{Head: "Plaintext is refused on every port of the page's pods."}}
}

// ChatRequestAuthentication checks the token in the cookie of who signed in; the AuthorizationPolicy demands it. The page's
// server checks it, too, and so has it forwarded.
func ChatRequestAuthentication(t spec.Target) manifest.Object {
	oidc := t.Chat.SignIn.OIDC
	policy := &clientsecurity.RequestAuthentication{TypeMeta: typeMeta("RequestAuthentication"), ObjectMeta: meta(t, t.ChatName(), spec.ComponentChat)}
	policy.Spec.Selector = chatSelector(t)
	policy.Spec.JwtRules = []*security.JWTRule{{
		Issuer: oidc.Issuer, Audiences: []string{oidc.ClientID}, JwksUri: oidc.JWKSURI, Jwks: oidc.JWKS,
		FromCookies: []string{spec.ChatCookie}, ForwardOriginalToken: true,
	}}
	return manifest.Object{File: "requestauthentication-chat", Typed: policy, Comments: manifest.Comments{
		Head: "A bad token is refused here; a missing one by authorizationpolicy-chat.",
		At: map[string]string{
			"/spec/jwtRules/0/fromCookies":          "Where the page puts the ID token. Browsers send it to /api/ alone.",
			"/spec/jwtRules/0/forwardOriginalToken": "The page's server checks it once more, and knows by it who asks.",
		},
	}}
}

// ChatAuthorizationPolicy lets the gateway in and nobody else, and beyond the page's files those who signed in.
func ChatAuthorizationPolicy(t spec.Target) manifest.Object {
	policy := &clientsecurity.AuthorizationPolicy{TypeMeta: typeMeta("AuthorizationPolicy"), ObjectMeta: meta(t, t.ChatName(), spec.ComponentChat)}
	policy.Spec.Selector = chatSelector(t)
	head := "The ingress gateway may open the page, and nobody else; the page itself asks for a name and a password."
	source := gatewaySource(t)
	policy.Spec.Rules = []*security.Rule{{From: []*security.Rule_From{{Source: source}}}}
	if oidc := t.Chat.SignIn.OIDC; oidc != nil {
		head = "The ingress gateway may open the page, and nobody else. What asks the model takes a token of the issuer; the\npage's files and the way to sign in take none."
		signedIn := source.DeepCopy()
		signedIn.RequestPrincipals = []string{oidc.Issuer + "/*"}
		policy.Spec.Rules = []*security.Rule{
			{From: []*security.Rule_From{{Source: source}}, To: []*security.Rule_To{{Operation: &security.Operation{NotPaths: []string{chatAPI}}}}},
			{From: []*security.Rule_From{{Source: signedIn}}, To: []*security.Rule_To{{Operation: &security.Operation{Paths: []string{chatAPI}}}}},
		}
	}
	return manifest.Object{File: "authorizationpolicy-chat", Typed: policy, Comments: manifest.Comments{Head: head}}
}
