package live_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/spec"
)

// server answers as an API server does that has these objects: lists by their path, whatever the selector, and what is not there
// with 404. pods may be forbidden.
func server(t *testing.T, objects map[string]string, forbidden ...string) *live.Cluster {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, path := range forbidden {
			if strings.HasSuffix(r.URL.Path, path) {
				status(w, http.StatusForbidden, "Forbidden", "pods is forbidden")
				return
			}
		}
		text, there := objects[r.URL.Path]
		if !there {
			status(w, http.StatusNotFound, "NotFound", r.URL.Path+" not found")
			return
		}
		data, err := yaml.YAMLToJSON([]byte(text))
		assert.NoError(t, err)
		_, _ = w.Write(selected(t, data, r.URL.Query().Get("labelSelector")))
	}))
	t.Cleanup(s.Close)
	cluster, err := live.New(&rest.Config{Host: s.URL})
	require.NoError(t, err)
	return cluster
}

func status(w http.ResponseWriter, code int, reason, message string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code})
}

// selected leaves of a list what the selector selects.
func selected(t *testing.T, data []byte, selector string) []byte {
	t.Helper()
	var list map[string]any
	require.NoError(t, json.Unmarshal(data, &list))
	items, isList := list["items"].([]any)
	if !isList || selector == "" {
		return data
	}
	kept := []any{}
	for _, item := range items {
		labels, _ := item.(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
		fits := true
		for _, want := range strings.Split(selector, ",") {
			key, value, _ := strings.Cut(want, "=")
			fits = fits && labels[key] == value
		}
		if fits {
			kept = append(kept, item)
		}
	}
	list["items"] = kept
	data, err := json.Marshal(list)
	assert.NoError(t, err)
	return data
}

const (
	services = "/apis/serving.kserve.io/v1beta1/namespaces/llm/inferenceservices"
	llms     = "/apis/serving.kserve.io/v1alpha2/namespaces/llm/llminferenceservices"
	routes   = "/apis/networking.istio.io/v1/namespaces/llm/virtualservices"
	httpAPI  = "/apis/gateway.networking.k8s.io/v1/namespaces/llm/httproutes"
	sets     = "/apis/leaderworkerset.x-k8s.io/v1/namespaces/llm/leaderworkersets"
	deploys  = "/apis/apps/v1/namespaces/llm/deployments/"
	pods     = "/api/v1/namespaces/llm/pods"
)

const twoServices = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceServiceList
items:
- apiVersion: serving.kserve.io/v1beta1
  kind: InferenceService
  metadata: {name: m-v1, labels: {kservegen.dev/model: m, kservegen.dev/revision: v1}}
- apiVersion: serving.kserve.io/v1beta1
  kind: InferenceService
  metadata: {name: m-v2, labels: {kservegen.dev/model: m, kservegen.dev/revision: v2}}
  status: {conditions: [{type: Ready, status: "False", reason: PredictorNotReady, message: it is on its way}]}
- apiVersion: serving.kserve.io/v1beta1
  kind: InferenceService
  metadata: {name: m-2-v1, labels: {kservegen.dev/model: m-2, kservegen.dev/revision: v1}}
`

const virtualService = `
apiVersion: networking.istio.io/v1
kind: VirtualServiceList
items:
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: m-chat, labels: {kservegen.dev/model: m, app.kubernetes.io/component: chat}}
  spec:
    http: [{name: chat, route: [{destination: {host: m-chat.llm.svc.cluster.local, port: {number: 80}}}]}]
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: m, labels: {kservegen.dev/model: m}}
  spec:
    http:
    - name: testers-v2
      match: [{headers: {x-llm-track: {exact: v2}, x-model: {exact: m}}}]
      route: [{destination: {host: m-v2-predictor.llm.svc.cluster.local, port: {number: 80}}}]
    - name: sticky-v2
      match: [{headers: {x-llm-bucket: {regex: "0?[0-9]"}, x-model: {exact: m}}}]
      route: [{destination: {host: m-v2-predictor.llm.svc.cluster.local, port: {number: 80}}}]
    - name: weights
      match: [{headers: {x-model: {exact: m}}}]
      route:
      - {destination: {host: m-v1-predictor.llm.svc.cluster.local, port: {number: 80}}, weight: 90}
      - {destination: {host: m-v2-predictor.llm.svc.cluster.local, port: {number: 80}}, weight: 10}
`

const steady = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: m-v1-predictor, generation: 3}
spec: {replicas: 2}
status: {observedGeneration: 3, replicas: 2, availableReplicas: 2}
`

func number(n int) *int { return &n }

// TestRevisionsSideBySide: one answers, one has a pod that cannot start; the weights are the route's, those of testers and
// buckets are none; another model's objects are not ours.
func TestRevisionsSideBySide(t *testing.T) {
	t.Parallel()
	cluster := server(t, map[string]string{
		services: twoServices, routes: virtualService, deploys + "m-v1-predictor": steady,
		deploys + "m-v2-predictor": `{apiVersion: apps/v1, kind: Deployment, metadata: {name: m-v2-predictor, generation: 1}, spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1, conditions: [{type: Available, status: "False", reason: MinimumReplicasUnavailable, message: Deployment does not have minimum availability.}]}}`,
		pods: `
apiVersion: v1
kind: PodList
items:
- metadata: {name: m-v2-predictor-abc, labels: {kservegen.dev/model: m, kservegen.dev/revision: v2}}
  status:
    conditions: [{type: ContainersReady, status: "False", reason: ContainersNotReady}]
    containerStatuses:
    - name: istio-proxy
      state: {running: {}}
    - name: kserve-container
      state: {waiting: {reason: ImagePullBackOff, message: 'Back-off pulling image "vllm/vllm-openai:v9"'}}
`,
	})
	model, err := cluster.Read(t.Context(), "llm", "m")
	require.NoError(t, err)
	assert.Equal(t, live.Model{Routes: "VirtualService", Revisions: []live.Revision{
		{Name: "v1", Weight: number(90), Wanted: 2, Answering: 2, Ready: true},
		{
			Name: "v2", Weight: number(10), Wanted: 1, Testers: &spec.HeaderMatch{Header: "x-llm-track", Value: "v2"},
			Reason: `pod m-v2-predictor-abc: ImagePullBackOff: Back-off pulling image "vllm/vllm-openai:v9"`,
		},
	}}, model)
	_, there := model.Find("v3")
	assert.False(t, there)
}

func TestReasons(t *testing.T) {
	t.Parallel()
	unavailable := func(more string) string {
		return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: m-v2-predictor, generation: 2}, ` + more + `}`
	}
	for name, test := range map[string]struct {
		deployment, pods, want string
		ready                  bool
	}{
		"no Deployment":  {"", "", "PredictorNotReady: it is on its way", false},
		"no place":       {unavailable("spec: {replicas: 1}, status: {observedGeneration: 2}"), `{apiVersion: v1, kind: PodList, items: [{metadata: {name: p, labels: {kservegen.dev/model: m, kservegen.dev/revision: v2}}, status: {conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: 0/3 nodes have nvidia.com/gpu}]}}]}`, "pod p: Unschedulable: 0/3 nodes have nvidia.com/gpu", false},
		"weights load":   {unavailable("spec: {replicas: 1}, status: {observedGeneration: 2}"), `{apiVersion: v1, kind: PodList, items: [{metadata: {name: p, labels: {kservegen.dev/model: m, kservegen.dev/revision: v2}}, status: {initContainerStatuses: [{state: {waiting: {reason: PodInitializing}}}], conditions: [{type: PodScheduled, status: "True"}, {type: Ready, status: "False", reason: ContainersNotReady, message: storage-initializer}]}}]}`, "pod p: ContainersNotReady: storage-initializer", false},
		"nobody may see": {unavailable(`spec: {replicas: 1}, status: {observedGeneration: 2, conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: timed out}]}`), "forbidden", "ProgressDeadlineExceeded: timed out", false},
		"a new change":   {unavailable("spec: {replicas: 1}, status: {observedGeneration: 1, availableReplicas: 1}"), "", "PredictorNotReady: it is on its way", false},
		"at zero":        {unavailable("spec: {replicas: 0}, status: {observedGeneration: 2}"), "", "no replica is wanted: nobody asks, or it was stopped", false},
		"ready":          {unavailable("spec: {replicas: 1}, status: {observedGeneration: 2, availableReplicas: 1}"), "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := map[string]string{services: twoServices, deploys + "m-v1-predictor": steady}
			if test.deployment != "" {
				objects[deploys+"m-v2-predictor"] = test.deployment
			}
			var forbidden []string
			switch test.pods {
			case "":
			case "forbidden":
				forbidden = []string{"/pods"}
			default:
				objects[pods] = test.pods
			}
			model, err := server(t, objects, forbidden...).Read(t.Context(), "llm", "m")
			require.NoError(t, err)
			revision, there := model.Find("v2")
			require.True(t, there)
			assert.Equal(t, test.want, revision.Reason)
			assert.Equal(t, test.ready, revision.Ready)
			assert.Nil(t, revision.Weight, "no route")
		})
	}
}

// TestEveryAPI: HTTPRoutes, groups of nodes, KServe's own canary and groups of LLMInferenceServices say the same.
func TestEveryAPI(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		objects map[string]string
		kind    string
	}{
		"HTTPRoutes": {map[string]string{services: twoServices, httpAPI: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRouteList
items:
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: m, labels: {kservegen.dev/model: m}}
  spec:
    rules:
    - {name: testers-v2, matches: [{headers: [{name: x, value: y}]}], backendRefs: [{name: m-v2-predictor, weight: 100}]}
    - {name: weights, backendRefs: [{name: m-v1-predictor, weight: 90}, {name: m-v2-predictor, weight: 10}]}
`}, "HTTPRoute"},
		"KServe's canary": {map[string]string{services: `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceServiceList
items:
- apiVersion: serving.kserve.io/v1beta1
  kind: InferenceService
  metadata: {name: m, labels: {kservegen.dev/model: m}}
  spec: {predictor: {name: v1}, canary: [{trafficPercent: 10, predictor: {name: v2}}]}
`}, "InferenceService"},
		"a group": {map[string]string{llms: `
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceServiceList
items:
- apiVersion: serving.kserve.io/v1alpha2
  kind: LLMInferenceService
  metadata: {name: m-v1, labels: {kservegen.dev/model: m, kservegen.dev/revision: v1}}
  spec: {router: {route: {weight: 90}}}
- apiVersion: serving.kserve.io/v1alpha2
  kind: LLMInferenceService
  metadata: {name: m-v2, labels: {kservegen.dev/model: m, kservegen.dev/revision: v2}}
  spec: {router: {route: {weight: 10}}}
`}, "LLMInferenceService"},
		"groups of nodes": {map[string]string{routes: virtualService, sets: `
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSetList
items:
- apiVersion: leaderworkerset.x-k8s.io/v1
  kind: LeaderWorkerSet
  metadata: {name: m-v1, generation: 1, labels: {kservegen.dev/model: m, kservegen.dev/revision: v1}}
  spec: {replicas: 2}
  status: {observedGeneration: 1, readyReplicas: 2}
`}, "VirtualService"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model, err := server(t, test.objects).Read(t.Context(), "llm", "m")
			require.NoError(t, err)
			assert.Equal(t, test.kind, model.Routes)
			require.Len(t, model.Revisions, 2)
			assert.Equal(t, number(90), model.Revisions[0].Weight)
			assert.Equal(t, number(10), model.Revisions[1].Weight)
			assert.Equal(t, name == "groups of nodes", model.Revisions[0].Ready)
		})
	}
}

// TestCopies: what either API says of mirrors, which is every request where it says no share.
func TestCopies(t *testing.T) {
	t.Parallel()
	const (
		here = "      - {destination: {host: m-v2-predictor.llm.svc.cluster.local, port: {number: 80}}, weight: 10}\n"
		http = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRouteList
items:
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: m, labels: {kservegen.dev/model: m}}
  spec:
    rules:
    - {name: weights, filters: [{type: RequestMirror, requestMirror: {backendRef: {name: m-v2-predictor}, percent: 7}}], backendRefs: [{name: m-v1-predictor, weight: 100}, {name: m-v2-predictor, weight: 0}]}
`
	)
	istio := func(mirror string) string {
		return strings.Replace(virtualService, here, here+"      mirrors: [{destination: {host: m-v2-predictor.llm.svc.cluster.local}"+mirror+"}]\n", 1)
	}
	for name, test := range map[string]struct {
		path, routes string
		want         int
	}{
		"a share":      {routes, istio(", percentage: {value: 12.5}"), 13},
		"a whole one":  {routes, istio(", percentage: {value: 10}"), 10},
		"none is said": {routes, istio(""), 100},
		"no mirror":    {routes, virtualService, 0},
		"an HTTPRoute": {httpAPI, http, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model, err := server(t, map[string]string{services: twoServices, test.path: test.routes}).Read(t.Context(), "llm", "m")
			require.NoError(t, err)
			require.Len(t, model.Revisions, 2)
			assert.Equal(t, test.want, model.Revisions[1].Mirror)
			assert.Zero(t, model.Revisions[0].Mirror)
		})
	}
}

// TestErrorsOfTheServer: what cannot be read is not taken for what is not there.
func TestErrorsOfTheServer(t *testing.T) {
	t.Parallel()
	_, err := server(t, nil, "/inferenceservices").Read(t.Context(), "llm", "m")
	require.ErrorContains(t, err, "reading inferenceservices of namespace llm")
	_, err = server(t, map[string]string{services: twoServices}, "/deployments/m-v1-predictor").Read(t.Context(), "llm", "m")
	require.ErrorContains(t, err, "reading deployments llm/m-v1-predictor")
	model, err := server(t, nil).Read(t.Context(), "llm", "m")
	require.NoError(t, err)
	assert.Empty(t, model.Revisions)
}

// TestServes: a revision that scales to zero is asked while it sleeps and while it wakes, and another one is not.
func TestServes(t *testing.T) {
	t.Parallel()
	asleep, waking := live.Revision{Name: "v2", Reason: "no replica is wanted"}, live.Revision{Name: "v2", Wanted: 1, Reason: "it loads"}
	gone, _ := live.Model{}.Find("v2")
	for name, test := range map[string]struct {
		revision    live.Revision
		min         int
		ready, down bool
	}{
		"answers":           {live.Revision{Name: "v2", Wanted: 2, Answering: 2, Ready: true}, 1, true, false},
		"half":              {live.Revision{Name: "v2", Wanted: 2, Answering: 1}, 1, false, false},
		"nobody answers":    {waking, 1, false, true},
		"was stopped":       {asleep, 1, false, false},
		"sleeps":            {asleep, 0, true, false},
		"wakes":             {waking, 0, false, false},
		"was never applied": {gone, 0, false, false},
	} {
		ready, down := test.revision.Serves(spec.Target{Revisions: []spec.RevisionTarget{{Name: "v1"}, {Name: "v2", MinReplicas: test.min}}})
		assert.Equal(t, []bool{test.ready, test.down}, []bool{ready, down}, name)
	}
}
