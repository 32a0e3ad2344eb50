package routes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/apitest"
	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/spec"
)

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: ship, namespace: llm}
spec:
  model: {id: org/m}
  runtime: {name: simulator}
  revisions: [{name: v1}, {name: v2}, {name: v3}]
  traffic:
  - {revision: v1, weight: 70}
  - {revision: v2, weight: 10, testers: {header: x-llm-track, value: v2}}
  - {revision: v3, weight: 20}
  rollout: {from: v1, to: v2}
  sticky: {header: x-llm-bucket}
`

// gateway shares requests by HTTPRoutes instead.
func gateway() string {
	return strings.Replace(document, "spec:\n", "spec:\n  expose: {api: gateway, hosts: [ship.example.com], gateway: gateways/models}\n", 1)
}

const (
	service    = "/apis/networking.istio.io/v1/namespaces/llm/virtualservices/ship"
	outside    = "/apis/gateway.networking.k8s.io/v1/namespaces/llm/httproutes/ship"
	inside     = outside + "-mesh"
	services   = "/apis/serving.kserve.io/v1beta1/namespaces/llm/inferenceservices/ship-"
	deployment = "/apis/apps/v1/namespaces/llm/deployments/ship-%s-predictor"
)

// cluster is an API server that a document was applied to.
type cluster struct {
	*apitest.Server
	canary routes.Canary
	now    time.Time
}

func deploy(t *testing.T, text string) *cluster {
	t.Helper()
	documents, err := spec.Load("ship.yaml", strings.NewReader(text))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(documents[0])
	require.NoError(t, err)
	target := documents[0].Environments[0]
	c := &cluster{Server: apitest.New(t), now: time.Unix(1000, 0).UTC()}
	c.canary = routes.Canary{Target: target, From: "v1", To: "v2", Document: documents[0].Digest()}
	for _, name := range []string{"ship", "ship-mesh"} {
		for _, object := range tree.Environments[0].Objects {
			if object["kind"] == target.RouteKind() && object["metadata"].(map[string]any)["name"] == name {
				c.canary.Routes = append(c.canary.Routes, object)
				c.Put(map[string]string{"VirtualServiceship": service, "HTTPRouteship": outside, "HTTPRouteship-mesh": inside}[target.RouteKind()+name], object)
			}
		}
	}
	for _, revision := range []string{"v1", "v2", "v3"} {
		c.PutYAML(t, services+revision, "{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {generation: 1, labels: {kservegen.dev/model: ship, kservegen.dev/revision: "+revision+"}}}")
		c.answering(t, revision, 1)
	}
	return c
}

func (c *cluster) answering(t *testing.T, revision string, replicas int) {
	t.Helper()
	c.PutYAML(t, fmt.Sprintf(deployment, revision), fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 1}, status: {observedGeneration: 1, availableReplicas: %d}}", replicas))
}

func (c *cluster) place(t *testing.T, options routes.Options) *routes.Place {
	t.Helper()
	options.Now = func() time.Time { return c.now }
	place, err := routes.New(c.Config, c.canary, options)
	require.NoError(t, err)
	return place
}

// change writes an object as another hand does.
func (c *cluster) change(path string, how func(o map[string]any)) {
	o := c.Get(path)
	how(o)
	c.Put(path, o)
}

func weights(t require.TestingT, o map[string]any) map[string]int {
	field, list := "http", "route"
	if o["kind"] == "HTTPRoute" {
		field, list = "rules", "backendRefs"
	}
	rules := o["spec"].(map[string]any)[field].([]any)
	found, sum := map[string]int{}, 0
	for i, b := range rules[len(rules)-1].(map[string]any)[list].([]any) {
		weight := int(b.(map[string]any)["weight"].(float64))
		found[fmt.Sprintf("v%d", i+1)] = weight
		sum += weight
	}
	require.Equal(t, 100, sum)
	return found
}

func move(t *testing.T, p *routes.Place, share int, why string) {
	t.Helper()
	s, err := p.Read(t.Context())
	require.NoError(t, err)
	require.NoError(t, p.Move(t.Context(), s, share, why))
}

func refusal(t *testing.T, err error) string {
	t.Helper()
	var r *runner.Refusal
	require.ErrorAs(t, err, &r)
	return r.Words
}

func TestMove(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	p := c.place(t, routes.Options{})
	s, err := p.Read(t.Context())
	require.NoError(t, err)
	s.Version = ""
	assert.Equal(t, runner.State{Share: 10, Most: 80, Ready: true}, s, "as it was applied")

	before := c.Get(service)
	move(t, p, 30, "it passed")
	after := c.Get(service)
	assert.Equal(t, map[string]int{"v1": 50, "v2": 30, "v3": 20}, weights(t, after))
	assert.Equal(t, before["spec"].(map[string]any)["hosts"], after["spec"].(map[string]any)["hosts"])
	assert.Equal(t, before["metadata"].(map[string]any)["labels"], after["metadata"].(map[string]any)["labels"])
	assert.Equal(t, []string{"PATCH " + service}, c.Writes(), "all at once")

	c.now = c.now.Add(time.Hour)
	for name, other := range map[string]*routes.Place{"the same": p, "the next runner": c.place(t, routes.Options{})} {
		s, err = other.Read(t.Context())
		require.NoError(t, err, name)
		assert.Equal(t, []any{30, time.Unix(1000, 0).UTC(), ""}, []any{s.Share, s.Since, s.RolledBack}, name)
	}
	move(t, p, 0, "too many errors")
	s, err = c.place(t, routes.Options{}).Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{0, "too many errors"}, []any{s.Share, s.RolledBack})

	again := c.place(t, routes.Options{Again: true})
	s, err = again.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{0, "", time.Time{}}, []any{s.Share, s.RolledBack, s.Since})
	move(t, again, 5, "again")
	s, err = again.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{5, c.now}, []any{s.Share, s.Since}, "from then on the record counts")
	require.ErrorIs(t, p.Move(t.Context(), s, 25, "late"), runner.ErrMoved)
}

// TestSharesAreWhole: whatever the share is, weights sum to 100, others' stay, the buckets follow, and nothing else changes.
func TestSharesAreWhole(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"VirtualService": document, "HTTPRoutes": gateway()} {
		c := deploy(t, text)
		p := c.place(t, routes.Options{})
		rapid.Check(t, func(rt *rapid.T) {
			share := rapid.IntRange(0, 80).Draw(rt, "share")
			s, err := p.Read(context.Background())
			require.NoError(rt, err, name)
			require.NoError(rt, p.Move(context.Background(), s, share, "because"))
			s, err = c.place(t, routes.Options{}).Read(context.Background())
			require.NoError(rt, err, "it is what the document says")
			require.Equal(rt, share, s.Share)
			for _, path := range []string{service, outside, inside} {
				if o := c.Get(path); o != nil {
					require.Equal(rt, map[string]int{"v1": 80 - share, "v2": share, "v3": 20}, weights(rt, o))
				}
			}
		})
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	c.answering(t, "v2", 0)
	s, err := c.place(t, routes.Options{}).Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{false, "its replicas do not answer yet", true}, []any{s.Ready, s.NotReady, s.Down})
	c.answering(t, "v1", 0)
	c.answering(t, "v2", 1)
	s, err = c.place(t, routes.Options{}).Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{true, false}, []any{s.Ready, s.Down}, "it is asked about the one that takes over")
}

// TestTorn: a move that reached the first of two routes is completed by the next look, up and down.
func TestTorn(t *testing.T) {
	t.Parallel()
	c := deploy(t, gateway())
	p := c.place(t, routes.Options{})
	for _, share := range []int{30, 60, 0} {
		s, err := p.Read(t.Context())
		require.NoError(t, err)
		c.Before = func(r *http.Request) int {
			if r.Method == http.MethodPatch && r.URL.Path == inside {
				return http.StatusServiceUnavailable
			}
			return 0
		}
		require.Error(t, p.Move(t.Context(), s, share, "because"))
		assert.NotEqual(t, weights(t, c.Get(outside)), weights(t, c.Get(inside)))
		_, err = c.place(t, routes.Options{ReadOnly: true}).Read(t.Context())
		assert.Contains(t, refusal(t, err), "the next one completes it")
		c.Before = nil
		p = c.place(t, routes.Options{})
		s, err = p.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, share, s.Share)
		assert.Equal(t, weights(t, c.Get(outside)), weights(t, c.Get(inside)))
	}
	c = deploy(t, gateway())
	c.change(inside, func(o map[string]any) { o["spec"] = c.Get(outside)["spec"] })
	_, err := c.place(t, routes.Options{}).Read(t.Context())
	assert.Contains(t, refusal(t, err), "HTTPRoute ship-mesh is not what the document says")
}

// TestNoLostUpdate: who writes between the look and the move keeps what they wrote.
func TestNoLostUpdate(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	p := c.place(t, routes.Options{})
	s, err := p.Read(t.Context())
	require.NoError(t, err)
	c.change(service, func(o map[string]any) { o["metadata"].(map[string]any)["labels"].(map[string]any)["team"] = "a" })
	require.ErrorIs(t, p.Move(t.Context(), s, 30, "because"), runner.ErrMoved)
	assert.Empty(t, c.Writes())
	move(t, p, 30, "because")
	assert.Equal(t, "a", c.Get(service)["metadata"].(map[string]any)["labels"].(map[string]any)["team"])
}

func TestHeld(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	taken := errors.New("taken")
	p := c.place(t, routes.Options{Held: func(context.Context) error { return taken }})
	s, err := p.Read(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, p.Move(t.Context(), s, 30, "because"), taken)
	assert.Empty(t, c.Writes())
}

// TestHeldBeforeCompleting: the other half of a move is a write like any.
func TestHeldBeforeCompleting(t *testing.T) {
	t.Parallel()
	c := deploy(t, gateway())
	p := c.place(t, routes.Options{})
	s, err := p.Read(t.Context())
	require.NoError(t, err)
	c.Before = func(r *http.Request) int {
		if r.Method == http.MethodPatch && r.URL.Path == inside {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	require.Error(t, p.Move(t.Context(), s, 30, "because"))
	c.Before = nil
	taken := errors.New("taken")
	_, err = c.place(t, routes.Options{Held: func(context.Context) error { return taken }}).Read(t.Context())
	require.ErrorIs(t, err, taken)
	assert.Equal(t, []string{"PATCH " + outside}, c.Writes())
}

// TestByHandWhileItWaits: a share that somebody gives before the run's first is not taken over.
func TestByHandWhileItWaits(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	p := c.place(t, routes.Options{})
	for range 2 {
		_, err := p.Read(t.Context())
		require.NoError(t, err)
	}
	other := c.place(t, routes.Options{})
	move(t, other, 30, "because")
	c.change(service, func(o map[string]any) {
		delete(o["metadata"].(map[string]any)["annotations"].(map[string]any), routes.Annotation)
	})
	_, err := p.Read(t.Context())
	assert.Contains(t, refusal(t, err), "VirtualService ship gives v2 30 %, and gave it 10 % when this run began; somebody wrote it last")
	_, err = c.place(t, routes.Options{}).Read(t.Context())
	require.NoError(t, err, "and the next run begins with it")
}

// lastRoute are the destinations of the last rule.
func lastRoute(o map[string]any) []any {
	http := o["spec"].(map[string]any)["http"].([]any)
	return http[len(http)-1].(map[string]any)["route"].([]any)
}

// TestAnotherHand: what was changed in the middle, or is not what was rendered, is refused, and nothing is written.
func TestAnotherHand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path         string
		change       func(o map[string]any)
		before, then string
	}{
		"the pair's weights": {service, func(o map[string]any) {
			lastRoute(o)[0].(map[string]any)["weight"], lastRoute(o)[1].(map[string]any)["weight"] = 41, 39
		}, "at /spec/http/2/match/0/headers/x-llm-bucket/regex", "changed by kubectl-edit at 2026-11-30T12:00:00Z"},
		"others' weights": {service, func(o map[string]any) {
			lastRoute(o)[0].(map[string]any)["weight"], lastRoute(o)[2].(map[string]any)["weight"] = 60, 30
		}, "it has v1 60, v2 10, v3 30, and the document has v1 70, v2 10, v3 20", "changed by"},
		"a weight over all": {service, func(o map[string]any) { lastRoute(o)[1].(map[string]any)["weight"] = 90 }, "both have 80", "changed by"},
		"no weight":         {service, func(o map[string]any) { delete(lastRoute(o)[1].(map[string]any), "weight") }, "not those that were rendered", "changed by"},
		"a rule":            {service, func(o map[string]any) { o["spec"].(map[string]any)["http"] = lastRoute(o)[:1] }, "not those that were rendered", "changed by"},
		"a host":            {service, func(o map[string]any) { o["spec"].(map[string]any)["hosts"] = []any{"x"} }, "at /spec/hosts", "at /spec/hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited := func(o map[string]any) {
				test.change(o)
				o["metadata"].(map[string]any)["managedFields"] = []any{
					map[string]any{"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-30T12:00:00Z", "fieldsV1": map[string]any{"f:spec": map[string]any{}}},
					map[string]any{"manager": "kubectl-label", "operation": "Update", "time": "2026-11-30T13:00:00Z", "fieldsV1": map[string]any{"f:metadata": map[string]any{}}},
					map[string]any{"manager": routes.FieldManager, "operation": "Apply", "time": "2026-11-30T14:00:00Z", "fieldsV1": map[string]any{"f:spec": map[string]any{}}},
				}
			}
			c := deploy(t, document)
			c.change(test.path, edited)
			_, err := c.place(t, routes.Options{}).Read(t.Context())
			words := refusal(t, err)
			assert.Contains(t, words, test.before)
			assert.Contains(t, words, "apply the tree first (kubectl apply -k)")

			c = deploy(t, document)
			p := c.place(t, routes.Options{})
			move(t, p, 10, "begin")
			_, err = p.Read(t.Context())
			require.NoError(t, err)
			c.change(test.path, edited)
			_, err = p.Read(t.Context())
			words = refusal(t, err)
			assert.Contains(t, words, test.then)
			assert.Contains(t, words, "nothing was changed since")
			assert.Len(t, c.Writes(), 1)
		})
	}
}

func TestWeightsByHandAreTold(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	p := c.place(t, routes.Options{})
	move(t, p, 30, "because")
	written := c.Get(service)
	move(t, p, 60, "because")
	later := c.Get(service)
	later["spec"] = written["spec"] // as somebody does who has the buckets right, too
	c.Put(service, later)
	_, err := p.Read(t.Context())
	assert.Contains(t, refusal(t, err), "gives v2 30 %, and a runner gave it 60 % at 1970-01-01T00:16:40Z")
	s, err := c.place(t, routes.Options{Again: true}).Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{30, time.Time{}}, []any{s.Share, s.Since})
}

func TestExchangedAndRemoved(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	p := c.place(t, routes.Options{})
	move(t, p, 30, "because")
	c.change(service, func(o map[string]any) {
		delete(o["metadata"].(map[string]any)["annotations"].(map[string]any), routes.Annotation)
	})
	_, err := p.Read(t.Context())
	assert.Contains(t, refusal(t, err), "removed the annotation kservegen.dev/canary")
	_, err = c.place(t, routes.Options{}).Read(t.Context())
	require.NoError(t, err, "and the next run begins with the share that it finds")

	move(t, c.place(t, routes.Options{}), 30, "because")
	c.change(services+"v2", func(o map[string]any) { o["metadata"].(map[string]any)["generation"] = 2 })
	_, err = c.place(t, routes.Options{}).Read(t.Context())
	assert.Contains(t, refusal(t, err), "v1 or v2 is not what it was when v2 got 30 %")

	c.canary.Document = "another one"
	s, err := c.place(t, routes.Options{}).Read(t.Context())
	require.NoError(t, err, "a changed document begins anew")
	assert.True(t, s.Since.IsZero())

	p = c.place(t, routes.Options{Unchanged: func() error { return errors.New("the document was changed") }})
	_, err = p.Read(t.Context())
	assert.Equal(t, "the document was changed", refusal(t, err))
}

func TestGitOps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		metadata map[string]any
		refused  string
	}{
		"Flux's label":    {map[string]any{"labels": map[string]any{"kustomize.toolkit.fluxcd.io/name": "m"}}, "Flux writes VirtualService ship from Git (label kustomize.toolkit.fluxcd.io/name)"},
		"of a release":    {map[string]any{"labels": map[string]any{"helm.toolkit.fluxcd.io/name": "m"}}, "Flux writes VirtualService ship from Git (label helm.toolkit.fluxcd.io/name)"},
		"Argo's manager":  {managedBy("argocd-controller"), "Argo CD writes VirtualService ship from Git (manager argocd-controller)"},
		"Argo's tracking": {map[string]any{"annotations": map[string]any{"argocd.argoproj.io/tracking-id": "m:x"}}, "Argo CD writes VirtualService ship from Git (annotation argocd.argoproj.io/tracking-id)"},
		"Flux was here":   {managedBy("kustomize-controller"), ""},
	} {
		c := deploy(t, document)
		c.change(service, func(o map[string]any) {
			for key, value := range test.metadata {
				o["metadata"].(map[string]any)[key] = value
			}
		})
		_, err := c.place(t, routes.Options{}).Read(t.Context())
		if test.refused == "" {
			require.NoError(t, err, name)
			continue
		}
		words := refusal(t, err)
		assert.Contains(t, words, test.refused, name)
		assert.Contains(t, words, "--despite-gitops")
		_, err = c.place(t, routes.Options{DespiteGitOps: true}).Read(t.Context())
		require.NoError(t, err, name)
	}
}

func managedBy(manager string) map[string]any {
	return map[string]any{"managedFields": []any{map[string]any{"manager": manager, "operation": "Apply"}}}
}

func TestNotThere(t *testing.T) {
	t.Parallel()
	c := deploy(t, document)
	c.canary.Routes[0]["metadata"].(map[string]any)["name"] = "shop"
	_, err := c.place(t, routes.Options{}).Read(t.Context())
	assert.Contains(t, refusal(t, err), "has no VirtualService shop in namespace llm; apply the tree first")

	c = deploy(t, document)
	c.Before = func(*http.Request) int { return http.StatusForbidden }
	_, err = c.place(t, routes.Options{}).Read(t.Context())
	var r *runner.Refusal
	require.Error(t, err)
	assert.NotErrorAs(t, err, &r, "which may be put right while it waits")
}

func TestNothingToMove(t *testing.T) {
	t.Parallel()
	kserve := spec.Target{Name: "ship", Expose: &spec.Expose{API: spec.APIKServe}}
	_, err := routes.New(apitest.New(t).Config, routes.Canary{Target: kserve, From: "v1", To: "v2"}, routes.Options{})
	require.ErrorContains(t, err, "KServe itself shares the requests of ship")
	omitted, err := spec.Load("ship.yaml", strings.NewReader(strings.Replace(document, "spec:\n", "spec:\n  omit: [virtualservice]\n", 1)))
	require.NoError(t, err)
	_, err = routes.New(apitest.New(t).Config, routes.Canary{Target: omitted[0].Environments[0], From: "v1", To: "v2"}, routes.Options{})
	require.ErrorContains(t, err, "ship leaves its VirtualService out")
}
