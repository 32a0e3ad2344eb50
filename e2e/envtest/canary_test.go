package envtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/incluster"
	"github.com/kservegen/kservegen/pkg/rollout/lease"
	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/spec"
)

const canaryNamespace = "canary-runner"

// canaryRunner applies what runs a canary in the cluster, in a namespace that refuses what is not restricted, and does as its
// ServiceAccount what a runner does, by the runner's own code: each right is needed, and there is no other.
func (s *suite) canaryRunner(t *testing.T) {
	_, err := s.API.Apply(t.Context(), parse(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+canaryNamespace+", labels: {pod-security.kubernetes.io/enforce: restricted}}}"))
	require.NoError(t, err)
	m, objects := s.canaryDocument(t)
	target := m.Environments[0]
	var vs map[string]any
	for _, object := range objects {
		if object["kind"] == "VirtualService" {
			vs = object
		}
	}
	s.applyData(t, vs)
	built, err := incluster.Objects(incluster.Options{
		Target: target, Document: []byte("document"),
		Image: "registry.example.com/kservegen:v1", Prometheus: "http://prometheus.monitoring:9090", Deadline: time.Hour, Secret: "canary",
	})
	require.NoError(t, err)
	stream, err := incluster.Stream(built)
	require.NoError(t, err)
	for _, text := range strings.Split(string(stream), "---\n") {
		object := parse(t, text)
		_, err := s.API.Apply(t.Context(), object)
		require.NoError(t, err)
		s.assertApplied(t, object)
		if object.GetKind() == "Job" {
			s.podIsAdmitted(t, object)
		}
	}
	me := rest.CopyConfig(s.Config)
	me.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + canaryNamespace + ":" + target.Name + "-" + incluster.Component,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + canaryNamespace, "system:authenticated"},
	}
	t.Run("does what a runner does", func(t *testing.T) { moves(t, me, target, m.Digest(), vs) })
	t.Run("may do nothing else", func(t *testing.T) { s.nothingElse(t, me, target.Name) })
}

func (s *suite) canaryDocument(t *testing.T) (*spec.Deployment, []map[string]any) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "overlays", "laptop", "document.yaml"))
	require.NoError(t, err)
	defer file.Close()
	text := new(strings.Builder)
	_, err = file.WriteTo(text)
	require.NoError(t, err)
	all, err := spec.Load("document.yaml", strings.NewReader(strings.Replace(text.String(), "namespace: llm", "namespace: "+canaryNamespace, 1)))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(all[0])
	require.NoError(t, err)
	return all[0], tree.Environments[0].Objects
}

func (s *suite) applyData(t *testing.T, data map[string]any) {
	t.Helper()
	text, err := yaml.Marshal(data)
	require.NoError(t, err)
	_, err = s.API.Apply(t.Context(), parse(t, string(text)))
	require.NoError(t, err)
}

// podIsAdmitted makes the Job's pod, which no controller does here: Pod Security judges pods.
func (s *suite) podIsAdmitted(t *testing.T, job *unstructured.Unstructured) {
	t.Helper()
	template, _, err := unstructured.NestedMap(job.Object, "spec", "template")
	require.NoError(t, err)
	pod := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]}}
	pod.SetName("runner")
	pod.SetNamespace(canaryNamespace)
	_, err = s.API.DryRun(t.Context(), pod)
	require.NoError(t, err)
	require.NoError(t, unstructured.SetNestedField(pod.Object, true, "spec", "hostNetwork"))
	_, err = s.API.DryRun(t.Context(), pod)
	require.ErrorContains(t, err, "restricted", "the namespace refuses nothing")
}

// moves takes the Lease, reads, moves and gives the Lease back.
func moves(t *testing.T, me *rest.Config, target spec.Target, digest string, vs map[string]any) {
	held, mine, err := lease.Acquire(t.Context(), me, canaryNamespace, routes.LeaseName(target), "test", func(holder string, _ error) { assert.Fail(t, "waits for "+holder) })
	require.NoError(t, err)
	place, err := routes.New(me, routes.Canary{Target: target, From: "v1", To: "v2", Document: digest, Routes: []map[string]any{vs}}, routes.Options{Held: mine.Held})
	require.NoError(t, err)
	state, err := place.Read(held)
	require.NoError(t, err)
	assert.Equal(t, 10, state.Share)
	require.NoError(t, place.Move(held, state, 25, "why"))
	state, err = place.Read(held)
	require.NoError(t, err)
	assert.Equal(t, 25, state.Share)
	require.NoError(t, mine.Release(context.WithoutCancel(held)))
}

// nothingElse compares what the server says that the account may do with its Role, and tries what would be worst.
func (s *suite) nothingElse(t *testing.T, me *rest.Config, name string) {
	client, err := kubernetes.NewForConfig(me)
	require.NoError(t, err)
	admin, err := kubernetes.NewForConfig(s.Config)
	require.NoError(t, err)
	role, err := admin.RbacV1().Roles(canaryNamespace).Get(t.Context(), name+"-"+incluster.Component, metav1.GetOptions{})
	require.NoError(t, err)
	review, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(),
		&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: canaryNamespace}}, metav1.CreateOptions{})
	require.NoError(t, err)
	var mine []rbacv1.PolicyRule
	for _, rule := range review.Status.ResourceRules {
		if rule.APIGroups[0] == "authorization.k8s.io" || rule.APIGroups[0] == "authentication.k8s.io" {
			continue // what everybody may ask about himself
		}
		mine = append(mine, rbacv1.PolicyRule{Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources, ResourceNames: rule.ResourceNames})
	}
	assert.ElementsMatch(t, role.Rules, mine)
	for _, attempt := range []authorizationv1.ResourceAttributes{
		{Verb: "delete", Group: "networking.istio.io", Resource: "virtualservices", Name: name},
		{Verb: "update", Group: "networking.istio.io", Resource: "virtualservices", Name: name},
		{Verb: "patch", Group: "networking.istio.io", Resource: "virtualservices", Name: "another"},
		{Verb: "patch", Group: "networking.istio.io", Resource: "virtualservices", Name: name, Namespace: "default"},
		{Verb: "create", Group: "coordination.k8s.io", Resource: "leases"},
		{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Name: "another"},
		{Verb: "get", Resource: "secrets"}, {Verb: "get", Resource: "configmaps"}, {Verb: "create", Resource: "pods"},
		{Verb: "create", Resource: "pods", Subresource: "exec"}, {Verb: "patch", Group: "serving.kserve.io", Resource: "inferenceservices"},
		{Verb: "list", Resource: "namespaces"}, {Verb: "impersonate", Resource: "users"},
	} {
		if attempt.Namespace == "" {
			attempt.Namespace = canaryNamespace
		}
		answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attempt},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		assert.Falsef(t, answer.Status.Allowed, "it may %s %s %s", attempt.Verb, attempt.Resource, attempt.Name)
	}
	_, err = client.CoreV1().Secrets(canaryNamespace).List(t.Context(), metav1.ListOptions{})
	assert.True(t, apierrors.IsForbidden(err), "the server lets it")
}
