package k8s

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/spec"
)

func target(sources ...string) spec.Target {
	t := spec.Target{
		Name: "m", Namespace: "llm", Monitoring: spec.Monitoring{Namespace: "monitoring"},
		Scaling: spec.Scaling{Metric: "vllm:num_requests_waiting", Target: "5"},
	}
	for i, source := range sources {
		t.Revisions = append(t.Revisions, spec.RevisionTarget{Name: string(rune('a' + i)), MinReplicas: 1, MaxReplicas: 3, Model: spec.Model{Source: source}})
	}
	return t
}

func policy(t *testing.T, target spec.Target) networkingv1.NetworkPolicySpec {
	t.Helper()
	typed, ok := NetworkPolicy(target).Typed.(*networkingv1.NetworkPolicy)
	require.True(t, ok)
	return typed.Spec
}

// TestNetworkPolicyDeniesByDefault: both directions are named, and no rule lets everybody in.
func TestNetworkPolicyDeniesByDefault(t *testing.T) {
	t.Parallel()
	spec := policy(t, target("pvc://x/y"))
	assert.ElementsMatch(t, []networkingv1.PolicyType{"Ingress", "Egress"}, spec.PolicyTypes)
	for _, rule := range spec.Ingress {
		assert.NotEmpty(t, rule.From, "a rule without peers lets everybody in")
		assert.NotEmpty(t, rule.Ports)
	}
}

// TestServerPortOpensForCallersOnly: 8080 to the gateway's and callers' namespaces, 15020 to monitoring.
func TestServerPortOpensForCallersOnly(t *testing.T) {
	t.Parallel()
	open := target("pvc://x/y")
	assert.Empty(t, namespacesTo(policy(t, open), 8080), "nobody was named")
	open.Expose = &spec.Expose{Gateway: "istio-ingress/llm"}
	open.Security.Callers = []spec.Caller{{ServiceAccount: "chat/ui"}, {ServiceAccount: "chat/batch"}}
	assert.Equal(t, []string{"istio-ingress", "chat"}, namespacesTo(policy(t, open), 8080))
	assert.Equal(t, []string{"monitoring"}, namespacesTo(policy(t, open), 15020))
}

func namespacesTo(policy networkingv1.NetworkPolicySpec, port int32) []string {
	var namespaces []string
	for _, rule := range policy.Ingress {
		if slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return p.Port.IntVal == port }) {
			for _, peer := range rule.From {
				if peer.NamespaceSelector != nil {
					namespaces = append(namespaces, peer.NamespaceSelector.MatchLabels[corev1.LabelMetadataName])
				}
			}
		}
	}
	return namespaces
}

func TestHTTPSOutIsForDownloadsOnly(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{"hf://a/b": true, "s3://b/p": true, "gs://b/p": true, "pvc://c/p": false, "oci://i:v1": false, "": false} {
		got := slices.ContainsFunc(policy(t, target(source)).Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool {
			return slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return p.Port.IntVal == 443 })
		})
		assert.Equal(t, want, got, source)
	}
}

func TestEachClaimIsMadeOnce(t *testing.T) {
	t.Parallel()
	volume := &spec.Volume{Size: "10Gi", AccessMode: "ReadWriteMany"}
	shared := target("pvc://weights/a", "pvc://weights/b", "pvc://other/c", "hf://a/b")
	for i := range 3 {
		shared.Revisions[i].Model.Volume = volume
	}
	var names []string
	for _, object := range PersistentVolumeClaims(shared) {
		claim, ok := object.Typed.(*corev1.PersistentVolumeClaim)
		require.True(t, ok)
		names = append(names, claim.Name)
	}
	assert.Equal(t, []string{"weights", "other"}, names)
}

// TestBudgetNeverBlocksADrainForGood: with one replica, minAvailable 1 would.
func TestBudgetNeverBlocksADrainForGood(t *testing.T) {
	t.Parallel()
	one := target("")
	budget, ok := PodDisruptionBudget(one, one.Revisions[0]).Typed.(*policyv1.PodDisruptionBudget)
	require.True(t, ok)
	assert.Nil(t, budget.Spec.MinAvailable)
	assert.Equal(t, 1, budget.Spec.MaxUnavailable.IntValue())
	assert.Equal(t, one.RevisionSelector("a"), budget.Spec.Selector.MatchLabels)
}

func TestAutoscalerAimsAtTheDeploymentThatKServeMakes(t *testing.T) {
	t.Parallel()
	one := target("")
	hpa, ok := HorizontalPodAutoscaler(one, one.Revisions[0]).Typed.(*autoscalingv2.HorizontalPodAutoscaler)
	require.True(t, ok)
	assert.Equal(t, autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "m-a-predictor"}, hpa.Spec.ScaleTargetRef)
	assert.Equal(t, "vllm:num_requests_waiting", hpa.Spec.Metrics[0].Pods.Metric.Name)
	assert.Equal(t, int32(1), *hpa.Spec.MinReplicas)
	assert.Equal(t, int32(3), hpa.Spec.MaxReplicas)
}

// TestAutoscalerCountsEngines: what an adapter gives for a pod is the sum over its engines, and the target is for all of them.
func TestAutoscalerCountsEngines(t *testing.T) {
	t.Parallel()
	for accelerator, test := range map[string]struct{ want, says string }{"h200": {"20", "sum over its 4 engines"}, "b200": {"5", ""}} {
		deployments, err := spec.Load("d.yaml", strings.NewReader(`
apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model: {id: deepseek-ai/DeepSeek-V4-Flash-0731}
  accelerator: {type: `+accelerator+`}
  replicas: {min: 1, max: 2}
`))
		require.NoError(t, err)
		one := deployments[0].Environments[0]
		object := HorizontalPodAutoscaler(one, one.Revisions[0])
		hpa, ok := object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
		require.True(t, ok)
		assert.Equal(t, test.want, hpa.Spec.Metrics[0].Pods.Target.AverageValue.String(), accelerator)
		assert.Contains(t, object.Comments.At["/spec/metrics/0"], test.says)
		assert.Equal(t, test.says != "", strings.Contains(object.Comments.At["/spec/metrics/0"], "engines"), accelerator)
	}
}

// TestGroupsTalkAmongThemselves: the nodes of one replica on any port, and nobody else.
func TestGroupsTalkAmongThemselves(t *testing.T) {
	t.Parallel()
	one := target("")
	before := policy(t, one)
	one.Revisions[0].Nodes = 2
	after := policy(t, one)
	require.Len(t, after.Ingress, len(before.Ingress)+1)
	require.Len(t, after.Egress, len(before.Egress)+1)
	peers := []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: one.RevisionSelector("a")}}}
	assert.Equal(t, networkingv1.NetworkPolicyIngressRule{From: peers}, after.Ingress[len(before.Ingress)], "NCCL and Gloo choose their ports")
	assert.Equal(t, networkingv1.NetworkPolicyEgressRule{To: peers}, after.Egress[len(before.Egress)])
}

// TestRoutesReachLeadersAlone: the Service has the name that routes know, and the pods that serve an API.
func TestRoutesReachLeadersAlone(t *testing.T) {
	t.Parallel()
	one := target("")
	one.Serving = spec.ServingLeaderWorkerSet
	service, ok := Predictor(one, one.Revisions[0]).Typed.(*corev1.Service)
	require.True(t, ok)
	assert.Equal(t, "m-a-predictor", service.Name)
	assert.Equal(t, "leader", service.Spec.Selector["kservegen.dev/role"])
	assert.Equal(t, int32(80), service.Spec.Ports[0].Port, "as KServe's has it")
	hpa, ok := HorizontalPodAutoscaler(one, one.Revisions[0]).Typed.(*autoscalingv2.HorizontalPodAutoscaler)
	require.True(t, ok)
	assert.Equal(t, autoscalingv2.CrossVersionObjectReference{APIVersion: "leaderworkerset.x-k8s.io/v1", Kind: "LeaderWorkerSet", Name: "m-a"}, hpa.Spec.ScaleTargetRef)
}

func TestServiceAccountNamesSecretsOnceAndNoEndpoint(t *testing.T) {
	t.Parallel()
	two := target("s3://b/a", "s3://b/c")
	for i := range two.Revisions {
		two.Revisions[i].Model.Secret = "store"
	}
	two.Platform.EKS = &spec.EKS{RoleARN: "arn:aws:iam::123456789012:role/models", Region: "us-east-1"}
	account, ok := ServiceAccount(two).Typed.(*corev1.ServiceAccount)
	require.True(t, ok)
	assert.Equal(t, []corev1.ObjectReference{{Name: "store"}}, account.Secrets)
	assert.Equal(t, "arn:aws:iam::123456789012:role/models", account.Annotations["eks.amazonaws.com/role-arn"])
	assert.NotContains(t, account.Annotations, "serving.kserve.io/s3-endpoint", "it would redirect STS (kserve#3482)")
}

// TestPodIdentityByFamily: a cluster of IPv6 has the agent at another address; others keep to one.
func TestPodIdentityByFamily(t *testing.T) {
	t.Parallel()
	for family, want := range map[string][]string{
		"": {"169.254.170.23/32"}, "ipv4": {"169.254.170.23/32"}, "ipv6": {"169.254.170.23/32", "fd00:ec2::23/128"},
	} {
		one := target("s3://models/m")
		one.Platform.EKS = &spec.EKS{IPFamily: family}
		rules := policy(t, one).Egress
		var cidrs []string
		for _, to := range rules[len(rules)-1].To {
			cidrs = append(cidrs, to.IPBlock.CIDR)
		}
		assert.Equal(t, want, cidrs, family)
	}
}
