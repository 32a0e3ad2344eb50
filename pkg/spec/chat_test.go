package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	atGateway = "expose: {hosts: [llm.example.com], gateway: istio-ingress/llm}"
	page      = "chat: {image: 'kservegen:v1', host: chat.example.com, signIn: {basic: {secret: chat-users}}}"
)

func TestChatDefaults(t *testing.T) {
	t.Parallel()
	one := load(t, document(atGateway, page)).Environments[0]
	assert.Equal(t, spec.Chat{
		Image: "kservegen:v1", Host: "chat.example.com", Replicas: spec.ChatReplicas{Min: ptr.To(1), Max: ptr.To(1)}, RequestsPerMinute: ptr.To(60),
		SignIn: &spec.SignIn{Basic: &spec.Basic{Secret: "chat-users"}},
	}, *one.Chat)
	assert.Equal(t, []string{"default/gpt-oss-20b-chat"}, one.MeshCallers())
	assert.Equal(t, []string{"llm.example.com", "chat.example.com"}, one.GatewayHosts())
	assert.Nil(t, load(t, document(atGateway)).Environments[0].Chat)
	assert.Equal(t, []string{"openid"}, load(t, document(atGateway, strings.Replace(page, "basic: {secret: chat-users}", "oidc: {issuer: 'https://a.b', clientId: c}", 1))).Environments[0].Chat.SignIn.OIDC.Scopes)
}

// TestChatReplicas: the page is there when a node goes, where the model is.
func TestChatReplicas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		model, page string
		min, max    int
	}{
		"one":           {"{min: 1, max: 8}", "{}", 1, 1},
		"several":       {"{min: 2, max: 2}", "{}", 2, 4},
		"fixed":         {"{min: 2}", "{min: 3}", 3, 3},
		"at most":       {"{min: 2}", "{max: 8}", 2, 8},
		"at most one":   {"{min: 2}", "{max: 1}", 1, 1},
		"said":          {"{min: 1}", "{min: 2, max: 6}", 2, 6},
		"at most, of 1": {"{min: 1}", "{max: 3}", 1, 3},
	} {
		replicas := load(t, document(atGateway, "replicas: "+c.model, strings.Replace(page, "signIn", "replicas: "+c.page+", signIn", 1))).Environments[0].Chat.Replicas
		assert.Equal(t, []int{c.min, c.max}, []int{*replicas.Min, *replicas.Max}, name)
	}
}

// TestChatOfEnvironments: one is without a page, and one signs in otherwise, of which nothing of spec's is left.
func TestChatOfEnvironments(t *testing.T) {
	t.Parallel()
	m := load(t, document(atGateway,
		"chat: {enabled: true, image: 'kservegen:v1', host: chat.example.com, signIn: {oidc: {issuer: 'https://login.example.com', clientId: chat, secret: chat-oidc}}}",
		"environments:",
		"- {name: off, chat: {enabled: false}}",
		"- {name: removed, chat: null}",
		"- {name: test, chat: {signIn: {basic: {secret: chat-users}}}}",
		"- {name: client, chat: {signIn: {oidc: {clientId: chat-eu}}}}",
		"- {name: spec}"))
	pages := map[string]*spec.Chat{}
	for _, target := range m.Environments {
		pages[target.Environment] = target.Chat
	}
	assert.Nil(t, pages["off"])
	assert.Nil(t, pages["removed"])
	assert.Equal(t, spec.SignIn{Basic: &spec.Basic{Secret: "chat-users"}}, *pages["test"].SignIn)
	assert.Equal(t, "chat-eu", pages["client"].SignIn.OIDC.ClientID)
	assert.Equal(t, "https://login.example.com", pages["client"].SignIn.OIDC.Issuer)
	assert.Equal(t, "chat", pages["spec"].SignIn.OIDC.ClientID)

	later := load(t, document(atGateway, "chat: {enabled: false, image: 'kservegen:v1'}", "environments: [{name: a, chat: {enabled: true, host: c.d, signIn: {basic: {secret: s}}}}, {name: b}]"))
	assert.Nil(t, later.Base.Chat)
	assert.Equal(t, "kservegen:v1", later.Environments[0].Chat.Image)
	assert.Nil(t, later.Environments[1].Chat)
}

func TestChatDigest(t *testing.T) {
	t.Parallel()
	digest := func(environment string) string {
		return load(t, document(atGateway, page, "environments: [{name: a"+environment+"}]")).Digest()
	}
	assert.NotEqual(t, digest(""), digest(", chat: {enabled: false}"))
	assert.NotEqual(t, digest(", chat: {}"), digest(", chat: {enabled: false}"))
	assert.NotEqual(t, digest(""), load(t, document(atGateway, "environments: [{name: a}]")).Digest())
}

func TestIssuerPort(t *testing.T) {
	t.Parallel()
	for issuer, port := range map[string]int{
		"https://a.b": 443, "https://a.b:8443/realms/x": 8443, "http://dex.auth.svc": 80, "http://dex.auth.svc.cluster.local:5556/dex": 5556,
	} {
		signIn := load(t, document(atGateway, strings.Replace(page, "basic: {secret: chat-users}", "oidc: {clientId: c, issuer: '"+issuer+"'}", 1))).Environments[0].Chat.SignIn
		assert.Equal(t, port, signIn.OIDC.Port(), issuer)
	}
}

func TestNamesOfPages(t *testing.T) {
	t.Parallel()
	err := together(t, named("name: a", atGateway, page), named("name: a-chat"))
	require.ErrorContains(t, err, "2.yaml:3:18: metadata.name: model a-chat would be called default/a-chat, and so would the chat's page of model a (1.yaml:1); rename one")
	require.NoError(t, together(t, named("name: a", atGateway, page), named("name: a-chat, namespace: x")))
	require.NoError(t, together(t, named("name: a", atGateway), named("name: a-chat")))
}

func TestHostsOfPages(t *testing.T) {
	t.Parallel()
	at := func(host string) string {
		return "expose: {hosts: [" + host + "], gateway: istio-ingress/llm}"
	}
	err := together(t, named("name: a", at("a.example.com"), page), named("name: b", at("b.example.com"), page))
	require.ErrorContains(t, err, "2.yaml:8:39: spec.chat.host: chat.example.com is the page of model a (1.yaml:1) already; give each a host of its own")
	err = together(t, named("name: a", at("a.example.com"), page), named("name: b", at("chat.example.com")))
	require.ErrorContains(t, err, "1.yaml:8:39: spec.chat.host: chat.example.com is a host of model b (2.yaml:1), whose paths the page would take; give it a host of its own")
	elsewhere := strings.Replace(at("chat.example.com"), "istio-ingress", "istio-eu", 1)
	require.NoError(t, together(t, named("name: a", at("a.example.com"), page), named("name: b", elsewhere)), "on another gateway")
	require.NoError(t, together(t, named("name: a", at("a.example.com"), page), named("name: b", at("'*.example.com'"))), "the longer name wins")
}

// TestRouteNames: there is a route of the mesh with HTTPRoutes alone, and with the Service that it is for.
func TestRouteNames(t *testing.T) {
	t.Parallel()
	byAPI := strings.Replace(atGateway, "{", "{api: gateway, ", 1)
	assert.Equal(t, []string{"gpt-oss-20b"}, load(t, document(atGateway)).Environments[0].RouteNames())
	assert.Equal(t, []string{"gpt-oss-20b", "gpt-oss-20b-mesh"}, load(t, document(byAPI)).Environments[0].RouteNames())
	assert.Equal(t, []string{"gpt-oss-20b"}, load(t, document(byAPI, "omit: [service]")).Environments[0].RouteNames())
}
