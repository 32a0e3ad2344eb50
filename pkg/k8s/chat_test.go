package k8s

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// talking is a model with a page that signs in by names and passwords.
func talking() spec.Target {
	t := target("pvc://x/y")
	t.ServedName = "r1"
	t.Expose = &spec.Expose{API: spec.APIIstio, Gateway: "istio-ingress/llm", Hosts: []string{"llm.example.com"}, Path: "/r1/"}
	t.Chat = &spec.Chat{
		Image: "kservegen:v1", Host: "chat.example.com", RequestsPerMinute: ptr.To(30), Replicas: spec.ChatReplicas{Min: ptr.To(1), Max: ptr.To(1)},
		SignIn: &spec.SignIn{Basic: &spec.Basic{Secret: "users"}},
	}
	return t
}

// byIssuer is the same with a public client of an issuer in the cluster.
func byIssuer() spec.Target {
	t := talking()
	t.Chat.SignIn = &spec.SignIn{OIDC: &spec.OIDC{Issuer: "http://dex.auth.svc:5556", ClientID: "chat", Scopes: []string{"openid", "email"}}}
	return t
}

func typed[T any](t *testing.T, object manifest.Object) T {
	t.Helper()
	value, ok := object.Typed.(T)
	require.True(t, ok)
	return value
}

func TestThePageAsksInsideTheMesh(t *testing.T) {
	t.Parallel()
	pod := typed[*appsv1.Deployment](t, ChatDeployment(talking())).Spec.Template.Spec
	assert.Equal(t, []string{
		"chat", "--web", "--listen=0.0.0.0:8080", "--listen-host=chat.example.com", "--url=http://m.llm.svc.cluster.local", "--model=r1",
		"--model-deployment=m", "--namespace=llm", "--requests-per-minute=30", "--users-file=/etc/kservegen/chat/htpasswd",
	}, pod.Containers[0].Args, "the path that selects the model at the gateway is not the mesh's")
	assert.Equal(t, "users", pod.Volumes[0].Secret.SecretName)
	assert.Equal(t, pod.Volumes[0].Name, pod.Containers[0].VolumeMounts[0].Name)

	public := typed[*appsv1.Deployment](t, ChatDeployment(byIssuer())).Spec.Template.Spec
	assert.Equal(t, []string{"--oidc-issuer-url=http://dex.auth.svc:5556", "--oidc-client-id=chat", "--oidc-scopes=openid,email"}, public.Containers[0].Args[9:])
	assert.Empty(t, public.Volumes)
	confidential := byIssuer()
	confidential.Chat.SignIn.OIDC.Secret = "oidc"
	secret := typed[*appsv1.Deployment](t, ChatDeployment(confidential)).Spec.Template.Spec
	assert.Contains(t, secret.Containers[0].Args, "--oidc-client-secret-file=/etc/kservegen/chat/client-secret")
	assert.Equal(t, []corev1.KeyToPath{{Key: "client-secret", Path: "client-secret"}}, secret.Volumes[0].Secret.Items)
}

// TestThePageIsRestricted: what the pod security standard of that name demands, and nothing is written.
func TestThePageIsRestricted(t *testing.T) {
	t.Parallel()
	pod := typed[*appsv1.Deployment](t, ChatDeployment(talking())).Spec.Template.Spec
	assert.True(t, *pod.SecurityContext.RunAsNonRoot)
	assert.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	container := pod.Containers[0]
	assert.False(t, *container.SecurityContext.AllowPrivilegeEscalation)
	assert.True(t, *container.SecurityContext.ReadOnlyRootFilesystem)
	assert.Equal(t, []corev1.Capability{"ALL"}, container.SecurityContext.Capabilities.Drop)
	assert.Less(t, container.Lifecycle.PreStop.Sleep.Seconds+300, *pod.TerminationGracePeriodSeconds, "answers have five minutes")
	assert.Equal(t, "/healthz", container.ReadinessProbe.HTTPGet.Path)
	assert.Positive(t, container.Resources.Limits.Memory().Value())
}

// TestOneNumberOfPages: the Deployment's or the autoscaler's.
func TestOneNumberOfPages(t *testing.T) {
	t.Parallel()
	fixed := talking()
	assert.Equal(t, ptr.To[int32](1), typed[*appsv1.Deployment](t, ChatDeployment(fixed)).Spec.Replicas)
	assert.Empty(t, ChatAutoscalers(fixed))
	fixed.Chat.Replicas.Max = ptr.To(3)
	assert.Nil(t, typed[*appsv1.Deployment](t, ChatDeployment(fixed)).Spec.Replicas)
	assert.Len(t, ChatAutoscalers(fixed), 1)
}

// TestThePageReadsItsRoutes and nothing else, by name.
func TestThePageReadsItsRoutes(t *testing.T) {
	t.Parallel()
	role := func(target spec.Target) []rbacv1.PolicyRule {
		return typed[*rbacv1.Role](t, ChatAccess(target)[0]).Rules
	}
	assert.Equal(t, []rbacv1.PolicyRule{{APIGroups: []string{"networking.istio.io"}, Resources: []string{"virtualservices"}, ResourceNames: []string{"m"}, Verbs: []string{"get"}}}, role(talking()))
	byAPI := talking()
	byAPI.Expose.API = spec.APIGateway
	assert.Equal(t, []rbacv1.PolicyRule{{APIGroups: []string{"gateway.networking.k8s.io"}, Resources: []string{"httproutes"}, ResourceNames: []string{"m", "m-mesh"}, Verbs: []string{"get"}}}, role(byAPI))
	binding := typed[*rbacv1.RoleBinding](t, ChatAccess(talking())[1])
	assert.Equal(t, typed[*corev1.ServiceAccount](t, ChatServiceAccount(talking())).Name, binding.Subjects[0].Name)
}

// TestWhoReachesWhom: the model lets the page's pods in and no other of its namespace, the page the gateway alone.
func TestWhoReachesWhom(t *testing.T) {
	t.Parallel()
	model := policy(t, talking())
	assert.Equal(t, []string{"istio-ingress"}, namespacesTo(model, 8080))
	var pods []map[string]string
	for _, rule := range model.Ingress {
		for _, peer := range rule.From {
			if peer.PodSelector != nil {
				assert.Nil(t, peer.NamespaceSelector)
				pods = append(pods, peer.PodSelector.MatchLabels)
			}
		}
	}
	assert.Equal(t, []map[string]string{{spec.ChatLabel: "m"}}, pods)

	page := typed[*networkingv1.NetworkPolicy](t, ChatPolicy(talking())).Spec
	assert.Equal(t, []string{"istio-ingress"}, namespacesTo(page, 8080))
	assert.Len(t, page.Ingress, 1)
	assert.Equal(t, map[string]string{spec.ModelLabel: "m"}, page.Egress[2].To[0].PodSelector.MatchLabels)
	last := func(rules []networkingv1.NetworkPolicyEgressRule) []int32 {
		var numbers []int32
		for _, port := range rules[len(rules)-1].Ports {
			numbers = append(numbers, port.Port.IntVal)
		}
		return numbers
	}
	assert.Equal(t, []int32{443, 6443, 8443}, last(page.Egress))
	assert.Equal(t, []int32{443, 6443, 8443, 5556}, last(typed[*networkingv1.NetworkPolicy](t, ChatPolicy(byIssuer())).Spec.Egress))
}
