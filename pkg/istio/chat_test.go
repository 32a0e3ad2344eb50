package istio

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	securityv1 "istio.io/client-go/pkg/apis/security/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// talking is a model with a page that signs in by an issuer.
func talking() spec.Target {
	t := target(90, 10)
	t.Expose = &spec.Expose{Hosts: []string{"llm.example.com"}, Gateway: "istio-ingress/llm"}
	t.Security.Callers = []spec.Caller{{ServiceAccount: "batch/jobs"}}
	t.Chat = &spec.Chat{Host: "chat.example.com", SignIn: &spec.SignIn{OIDC: &spec.OIDC{Issuer: "https://login.example.com", ClientID: "chat"}}}
	return t
}

func rules(t *testing.T, object manifest.Object) *securityv1.AuthorizationPolicy {
	t.Helper()
	policy, ok := object.Typed.(*securityv1.AuthorizationPolicy)
	require.True(t, ok)
	return policy
}

// TestThePageMayCall: the model lets it in by its own identity, once.
func TestThePageMayCall(t *testing.T) {
	t.Parallel()
	callers := func(target spec.Target) []string {
		policies := AuthorizationPolicies(target)
		return rules(t, policies[len(policies)-1]).Spec.Rules[0].From[0].Source.Principals
	}
	page := "cluster.local/ns/llm/sa/deepseek-r1-chat"
	assert.Equal(t, []string{"cluster.local/ns/batch/sa/jobs", page}, callers(talking()))
	alone := talking()
	alone.Security.Callers = nil
	assert.Equal(t, []string{page}, callers(alone))
	named := talking()
	named.Security.Callers = []spec.Caller{{ServiceAccount: "llm/deepseek-r1-chat"}}
	assert.Equal(t, []string{page}, callers(named))
}

// TestThePageSendsNoToken: where the gateway demands one, the policy says that the page goes around it.
func TestThePageSendsNoToken(t *testing.T) {
	t.Parallel()
	head := func(target spec.Target) string {
		policies := AuthorizationPolicies(target)
		return policies[len(policies)-1].Comments.Head
	}
	const says = "has no token of security.jwt"
	assert.NotContains(t, head(talking()), says)
	both := talking()
	both.Security.JWT = &spec.JWT{Issuer: "https://login.example.com"}
	assert.Contains(t, head(both), says)
	both.Chat = nil
	assert.NotContains(t, head(both), says)
}

// TestWhoOpensThePage: the gateway alone, and what asks the model takes a token.
func TestWhoOpensThePage(t *testing.T) {
	t.Parallel()
	policy := rules(t, ChatAuthorizationPolicy(talking()))
	assert.Equal(t, map[string]string{spec.ChatLabel: "deepseek-r1"}, policy.Spec.Selector.MatchLabels)
	require.Len(t, policy.Spec.Rules, 2)
	for _, rule := range policy.Spec.Rules {
		assert.Equal(t, []string{"istio-ingress"}, rule.From[0].Source.Namespaces)
	}
	assert.Equal(t, []string{"/api/*"}, policy.Spec.Rules[0].To[0].Operation.NotPaths)
	assert.Empty(t, policy.Spec.Rules[0].From[0].Source.RequestPrincipals)
	assert.Equal(t, []string{"/api/*"}, policy.Spec.Rules[1].To[0].Operation.Paths)
	assert.Equal(t, []string{"https://login.example.com/*"}, policy.Spec.Rules[1].From[0].Source.RequestPrincipals)

	basic := talking()
	basic.Chat.SignIn = &spec.SignIn{Basic: &spec.Basic{Secret: "users"}}
	basic.Expose.GatewayServiceAccount = "gateway"
	policy = rules(t, ChatAuthorizationPolicy(basic))
	require.Len(t, policy.Spec.Rules, 1)
	assert.Equal(t, []string{"cluster.local/ns/istio-ingress/sa/gateway"}, policy.Spec.Rules[0].From[0].Source.Principals)
	assert.Empty(t, policy.Spec.Rules[0].To, "the page itself asks for a password")
}

// TestTheTokenIsInACookie: the one of the page's own server, for this client, and it goes on to the server.
func TestTheTokenIsInACookie(t *testing.T) {
	t.Parallel()
	policy, ok := ChatRequestAuthentication(talking()).Typed.(*securityv1.RequestAuthentication)
	require.True(t, ok)
	rule := policy.Spec.JwtRules[0]
	assert.Equal(t, []string{"__Secure-kservegen-chat"}, rule.FromCookies)
	assert.Equal(t, []string{"chat"}, rule.Audiences)
	assert.True(t, rule.ForwardOriginalToken)
}

// TestNoQuestionTwice: Istio would retry where nobody says otherwise.
func TestNoQuestionTwice(t *testing.T) {
	t.Parallel()
	object := ChatVirtualService(talking())
	vs, ok := object.Typed.(*clientv1.VirtualService)
	require.True(t, ok)
	assert.Equal(t, []string{"istio-ingress/llm"}, vs.Spec.Gateways, "callers inside the mesh have no use for the page")
	assert.Equal(t, []string{"chat.example.com"}, vs.Spec.Hosts)
	assert.NotNil(t, vs.Spec.Http[0].Retries)
	data, err := object.Data(manifest.NewConverter())
	require.NoError(t, err)
	assert.Equal(t, int64(0), manifest.LookupValue(data, "/spec/http/0/retries/attempts"))
	assert.Nil(t, vs.Spec.Http[0].Timeout)
}

// TestHostsOfPages: the shared Gateway serves them beside the models', with their certificate.
func TestHostsOfPages(t *testing.T) {
	t.Parallel()
	encrypted := talking()
	encrypted.Expose.TLSSecret = "llm-example-com"
	gateway, ok := Gateways([]spec.Target{encrypted}, nil)[0].Typed.(*clientv1.Gateway)
	require.True(t, ok)
	assert.Equal(t, []string{"chat.example.com", "llm.example.com"}, gateway.Spec.Servers[0].Hosts)
}
