package schema_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/schema"
)

func catalog(t testing.TB, versions schema.Versions) *schema.Catalog {
	t.Helper()
	c, err := schema.New(versions)
	require.NoError(t, err)
	return c
}

func TestVersions(t *testing.T) {
	t.Parallel()
	const canary = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: a}
spec:
  predictor: {minReplicas: 1}
  canary: [{trafficPercent: 10, predictor: {name: b}}]
`
	for release, want := range map[string]int{"": 0, "0.20": 0, "0.19": 1, "0.17": 1} {
		problems, err := catalog(t, schema.Versions{"kserve": release}).Validate(t.Context(), decode(t, []byte(canary)))
		require.NoError(t, err)
		assert.Lenf(t, problems, want, "KServe %q: %v", release, problems)
	}
}

func TestUnknownVersions(t *testing.T) {
	t.Parallel()
	_, err := schema.New(schema.Versions{"kserve": "0.18"})
	require.EqualError(t, err, "kserve 0.18 is not known; choose one of 0.20, 0.19, 0.17")
	_, err = schema.New(schema.Versions{"knative": "1.0"})
	assert.ErrorContains(t, err, "there are no schemas of knative; known products: kserve, istio, ")
}

func TestProducts(t *testing.T) {
	t.Parallel()
	known, err := schema.Products()
	require.NoError(t, err)
	var names []string
	for _, product := range known {
		names = append(names, product.Name+" "+strings.Join(product.Releases, " "))
	}
	assert.Equal(t, []string{
		"kserve 0.20 0.19 0.17", "istio 1.31", "gateway-api 1.6 1.6-experimental", "inference-extension 1.5", "keda 2.19",
		"prometheus-operator 0.85", "karpenter 1.8", "vpc-resource-controller 1.4", "external-snapshotter 8.4", "flux 2.9", "argo-cd 3.5", "lws 0.9", "kubernetes 1.36",
	}, names)
}

func TestKnownAndScope(t *testing.T) {
	t.Parallel()
	c := catalog(t, nil)
	for kind, namespaced := range map[string]bool{
		"serving.kserve.io/v1beta1 InferenceService":           true,
		"serving.kserve.io/v1alpha1 ServingRuntime":            true,
		"serving.kserve.io/v1alpha1 ClusterServingRuntime":     false,
		"serving.kserve.io/v1alpha1 InferenceGraph":            true,
		"serving.kserve.io/v1alpha1 TrainedModel":              true,
		"serving.kserve.io/v1alpha1 ClusterStorageContainer":   false,
		"serving.kserve.io/v1alpha1 LocalModelCache":           false,
		"serving.kserve.io/v1alpha1 LocalModelNodeGroup":       false,
		"serving.kserve.io/v1alpha1 LLMInferenceService":       true,
		"serving.kserve.io/v1alpha2 LLMInferenceService":       true,
		"serving.kserve.io/v1alpha2 LLMInferenceServiceConfig": true,
		"networking.istio.io/v1beta1 VirtualService":           true,
		"security.istio.io/v1 AuthorizationPolicy":             true,
		"telemetry.istio.io/v1 Telemetry":                      true,
		"extensions.istio.io/v1alpha1 WasmPlugin":              true,
		"gateway.networking.k8s.io/v1 HTTPRoute":               true,
		"gateway.networking.k8s.io/v1 GatewayClass":            false,
		"keda.sh/v1alpha1 ScaledObject":                        true,
		"monitoring.coreos.com/v1 PodMonitor":                  true,
		"karpenter.sh/v1 NodePool":                             false,
		"karpenter.sh/v1 NodeClaim":                            false,
		"karpenter.k8s.aws/v1 EC2NodeClass":                    false,
		"kustomize.toolkit.fluxcd.io/v1 Kustomization":         true,
		"source.toolkit.fluxcd.io/v1 GitRepository":            true,
		"source.toolkit.fluxcd.io/v1 OCIRepository":            true,
		"argoproj.io/v1alpha1 Application":                     true,
		"leaderworkerset.x-k8s.io/v1 LeaderWorkerSet":          true,
		"v1 Service":                             true,
		"v1 Namespace":                           false,
		"apps/v1 Deployment":                     true,
		"autoscaling/v1 HorizontalPodAutoscaler": true,
		"autoscaling/v2 HorizontalPodAutoscaler": true,
		"policy/v1 PodDisruptionBudget":          true,
	} {
		apiVersion, name, _ := strings.Cut(kind, " ")
		assert.True(t, c.Known(apiVersion, name), kind)
		got, ok := c.Scope(apiVersion, name)
		assert.True(t, ok, kind)
		assert.Equal(t, namespaced, got, kind)
	}
	assert.False(t, c.Known("cert-manager.io/v1", "Certificate"))
	_, ok := c.Scope("cert-manager.io/v1", "Certificate")
	assert.False(t, ok)
}

func TestForeignGroup(t *testing.T) {
	t.Parallel()
	object := decode(t, []byte("{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a}}"))
	problems, err := catalog(t, nil).Validate(t.Context(), object)
	require.ErrorIs(t, err, schema.ErrForeign)
	assert.Empty(t, problems)
	_, err = catalog(t, nil).Default(object)
	assert.ErrorIs(t, err, schema.ErrForeign)
}

// TestSharedGroup: Argo Rollouts has kinds in the group of Argo CD, of which nothing is known, and a slip of the pen is
// one all the same.
func TestSharedGroup(t *testing.T) {
	t.Parallel()
	c := catalog(t, nil)
	for _, kind := range []string{"Rollout", "Workflow", "ApplicationSet"} {
		_, err := c.Validate(t.Context(), decode(t, []byte("{apiVersion: argoproj.io/v1alpha1, kind: "+kind+", metadata: {name: a}}")))
		require.ErrorIs(t, err, schema.ErrForeign, kind)
	}
	problems, err := c.Validate(t.Context(), decode(t, []byte("{apiVersion: argoproj.io/v1alpha1, kind: Applications, metadata: {name: a}}")))
	require.NoError(t, err)
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0].Message, "did you mean Application?")
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{apiVersion: serving.kserve.io/v1beta1, kind: InferenceServic, metadata: {name: a}}":   `kserve 0.20 has no kind "InferenceServic" in serving.kserve.io; did you mean InferenceService?`,
		"{apiVersion: serving.kserve.io/v1beta2, kind: InferenceService, metadata: {name: a}}":  `kserve 0.20 has no InferenceService of version "v1beta2"; it has v1beta1`,
		"{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler, metadata: {name: a}}": `kubernetes 1.36 has no HorizontalPodAutoscaler of version "v2beta2"; it has v1, v2`,
		"{apiVersion: networking.istio.oi/v1, kind: Sidecar, metadata: {name: a}}":              `there is no group "networking.istio.oi" with a Sidecar; did you mean networking.istio.io/v1?`,
		"{apiVersion: v1, kind: Pods, metadata: {name: a}}":                                     `kubernetes 1.36 has no kind "Pods" in the core group; did you mean Pod?`,
		"{apiVersion: a/b/c, kind: Pod, metadata: {name: a}}":                                   "unexpected GroupVersion string: a/b/c",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dat: {}}":                       `unknown field "dat"; did you mean data?`,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, nmespace: b}}":                   `unknown field "metadata.nmespace"; did you mean namespace?`,
	} {
		problems, err := catalog(t, nil).Validate(t.Context(), decode(t, []byte(source)))
		require.NoError(t, err)
		if assert.Len(t, problems, 1, source) {
			assert.Equal(t, want, problems[0].Message)
			assert.True(t, problems[0].Decoding)
		}
	}
}

func TestNamespaceIsTheClientsBusiness(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
		"{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}",
	} {
		problems, err := catalog(t, nil).Validate(t.Context(), decode(t, []byte(source)))
		require.NoError(t, err)
		assert.Empty(t, problems, source)
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	c := catalog(t, nil)
	object := decode(t, []byte(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec: {rules: [{backendRefs: [{name: a, port: 80, weight: null}]}]}
`))
	before := roundTrip(t, object)
	defaulted, err := c.Default(object)
	require.NoError(t, err)
	assert.Equal(t, before, object, "the object itself must not change")
	rule := defaulted["spec"].(map[string]any)["rules"].([]any)[0].(map[string]any)
	assert.Equal(t, map[string]any{"group": "", "kind": "Service", "name": "a", "port": int64(80), "weight": int64(1)}, rule["backendRefs"].([]any)[0])
	assert.Equal(t, []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}}, rule["matches"])
	again, err := c.Default(defaulted)
	require.NoError(t, err)
	assert.Equal(t, defaulted, again)
}

// TestVerdictsAreRemembered also proves that nobody's object is changed and that equal content means equal bytes.
func TestVerdictsAreRemembered(t *testing.T) {
	t.Parallel()
	c := catalog(t, nil)
	for _, object := range badObjects(t) {
		before := roundTrip(t, object)
		first, err := c.Validate(t.Context(), object)
		require.NoError(t, err)
		assert.Equal(t, before, object)
		again, err := c.Validate(t.Context(), before)
		require.NoError(t, err)
		assert.Equal(t, first, again)
		fresh, err := catalog(t, nil).Validate(t.Context(), object)
		require.NoError(t, err)
		assert.Equal(t, first, fresh)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	different := []map[string]any{
		{}, {"a": nil}, {"a": true}, {"a": false}, {"a": int64(1)}, {"a": 1.5}, {"a": "1"}, {"a": ""}, {"a": []any{}}, {"a": map[string]any{}},
		{"a": []any{"b", "c"}}, {"a": []any{"bc"}}, {"a": []any{[]any{"b"}, "c"}}, {"a": []any{[]any{"b", "c"}}}, {"a": "b", "c": "d"}, {"a": map[string]any{"b": "c"}},
	}
	seen := map[[32]byte]int{}
	for i, object := range different {
		key, err := schema.Hash(object)
		require.NoError(t, err)
		before, ok := seen[key]
		assert.Falsef(t, ok, "%v and %v have the same hash", object, different[max(0, before)])
		seen[key] = i
	}
	wide, err := schema.Hash(map[string]any{"a": int64(1)})
	require.NoError(t, err)
	narrow, err := schema.Hash(map[string]any{"a": 1})
	require.NoError(t, err)
	assert.Equal(t, wide, narrow)
	_, err = schema.Hash(map[string]any{"a": struct{}{}})
	assert.Error(t, err)
}

func TestCancelledIsNoVerdict(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := catalog(t, nil)
	object := decode(t, []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"))
	_, err := c.Validate(ctx, object)
	require.ErrorIs(t, err, context.Canceled)
	problems, err := c.Validate(t.Context(), object)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestConcurrently(t *testing.T) {
	t.Parallel()
	c := catalog(t, nil)
	objects := badObjects(t)
	want := make([]int, len(objects))
	for i, object := range objects {
		problems, err := catalog(t, nil).Validate(t.Context(), object)
		require.NoError(t, err)
		want[i] = len(problems)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i, object := range objects {
				problems, _ := c.Validate(t.Context(), object)
				assert.Len(t, problems, want[i])
			}
		})
	}
	wait.Wait()
}
