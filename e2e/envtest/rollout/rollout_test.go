package rollout

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: ship, namespace: NAMESPACE}
spec:
  model: {id: org/m}
  runtime: {name: simulator}
  revisions: [{name: v1}, {name: v2}, {name: v3}]
  traffic:
  - {revision: v1, weight: 80}
  - {revision: v2, weight: 0, testers: {header: x-llm-track, value: v2}}
  - {revision: v3, weight: 20}
  rollout: {from: v1, to: v2, steps: [5, 50, 100]}
  sticky: {header: x-llm-bucket}
`

// gatewayDocument shares requests by HTTPRoutes.
func gatewayDocument() string {
	return strings.Replace(document, "spec:\n", "spec:\n  expose: {api: gateway, hosts: [ship.example.com], gateway: gateways/models}\n", 1)
}

// shared is what the last rule of a VirtualService gives, by host.
func shared(t *testing.T, o *unstructured.Unstructured) map[string]int64 {
	t.Helper()
	field, list, name := "http", "route", func(b map[string]any) string {
		host, _, _ := unstructured.NestedString(b, "destination", "host")
		return host
	}
	if o.GetKind() == "HTTPRoute" {
		field, list, name = "rules", "backendRefs", func(b map[string]any) string { return b["name"].(string) }
	}
	rules, _, err := unstructured.NestedSlice(o.Object, "spec", field)
	require.NoError(t, err)
	weights, sum := map[string]int64{}, int64(0)
	for _, backend := range rules[len(rules)-1].(map[string]any)[list].([]any) {
		b := backend.(map[string]any)
		revision := strings.TrimSuffix(strings.TrimPrefix(strings.Split(name(b), ".")[0], "ship-"), "-predictor")
		weights[revision] = b["weight"].(int64)
		sum += weights[revision]
	}
	require.EqualValues(t, 100, sum)
	return weights
}

func TestCanaryRun(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, test := range map[string]func(*testing.T, *world){
		"good": w.good(), "bad": w.bad(), "gateway": w.gateway(), "killed": w.killed(), "two": w.two(), "terminated": w.terminated(),
		"lost": w.lost(), "another hand": w.anotherHand(), "gitops": w.gitOps(), "refused": w.refused(),
		"copies": w.copies(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}

// good: along the plan to all that v1 and v2 have, buckets with the weights, v3 untouched, and ours to see in managedFields.
func (w *world) good() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "good", document)
		m.asLeastPrivileged(t)
		before := m.get(t, virtualServices, "ship")
		p := m.run(t)
		assert.Equal(t, runner.Started, p.until(t, runner.Started).Kind)
		assert.Equal(t, 5, p.until(t, runner.Moved).Share)
		at := m.get(t, virtualServices, "ship")
		assert.Equal(t, map[string]int64{"v1": 75, "v2": 5, "v3": 20}, shared(t, at))
		assert.Equal(t, "2[0-4]", sticky(t, at, "v2"), "of the buckets that v1 had")
		assert.Equal(t, 50, p.until(t, runner.Moved).Share)
		assert.Equal(t, 80, p.until(t, runner.Promoted).Share)
		assert.Equal(t, 0, p.ends(t), p.talk.String())
		after := m.get(t, virtualServices, "ship")
		assert.Equal(t, map[string]int64{"v1": 0, "v2": 80, "v3": 20}, shared(t, after))
		assert.Equal(t, "v2 has everything that both had", promotedAgain(t, m))

		var owners []string
		for _, entry := range after.GetManagedFields() {
			if strings.Contains(string(entry.FieldsV1.Raw), `"f:http"`) {
				owners = append(owners, entry.Manager+" "+string(entry.Operation))
			}
		}
		assert.Equal(t, []string{routes.FieldManager + " Apply"}, owners)
		assert.Equal(t, before.Object["spec"].(map[string]any)["hosts"], after.Object["spec"].(map[string]any)["hosts"])
		assert.Equal(t, before.GetLabels(), after.GetLabels())
	}
}

// promotedAgain is what a run says that finds everything done.
func promotedAgain(t *testing.T, m *model) string {
	t.Helper()
	p := m.run(t)
	e := p.until(t, runner.Promoted)
	assert.Equal(t, 0, p.ends(t))
	return e.Reason
}

// sticky is the expression of a revision's buckets.
func sticky(t *testing.T, o *unstructured.Unstructured, revision string) string {
	t.Helper()
	rules, _, err := unstructured.NestedSlice(o.Object, "spec", "http")
	require.NoError(t, err)
	for _, rule := range rules {
		if rule := rule.(map[string]any); rule["name"] == "sticky-"+revision {
			match := rule["match"].([]any)[0].(map[string]any)
			expression, _, err := unstructured.NestedString(match, "headers", "x-llm-bucket", "regex")
			require.NoError(t, err)
			return expression
		}
	}
	return ""
}

// bad: errors at the second step, and everything is v1's again; a later run knows it.
func (w *world) bad() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "bad", document)
		p := m.run(t)
		p.until(t, runner.Moved)
		p.until(t, runner.Moved)
		m.prometheus.broken.Store(time.Now().Unix())
		e := p.until(t, runner.RolledBack)
		assert.Equal(t, []int{50, 0}, []int{e.Before, e.Share})
		assert.Contains(t, e.Reason, "errors is")
		assert.Equal(t, 1, p.ends(t))
		assert.Equal(t, map[string]int64{"v1": 80, "v2": 0, "v3": 20}, shared(t, m.get(t, virtualServices, "ship")))

		p = m.run(t)
		assert.Contains(t, p.until(t, runner.RolledBack).Reason, "errors is")
		assert.Equal(t, 1, p.ends(t))
		m.prometheus.broken.Store(0)
		p = m.run(t, "--again")
		assert.Equal(t, 5, p.until(t, runner.Moved).Share)
		m.answering(t, "v2", 0)
		assert.Contains(t, p.until(t, runner.RolledBack).Reason, "none of its replicas answers")
	}
}

// gateway: both HTTPRoutes have the same shares, also where the first alone was written.
func (w *world) gateway() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "gateway", gatewayDocument())
		p := m.run(t)
		p.until(t, runner.Moved)
		want := map[string]int64{"v1": 75, "v2": 5, "v3": 20}
		assert.Equal(t, want, shared(t, m.get(t, httpRoutes, "ship")))
		assert.Equal(t, want, shared(t, m.get(t, httpRoutes, "ship-mesh")))
		p.kill(t)

		// What a runner leaves that is killed between the two: the first one's next share is recorded, and the other one has the
		// share before.
		inside := m.get(t, httpRoutes, "ship-mesh")
		rules := inside.Object["spec"].(map[string]any)["rules"].([]any)
		backends := rules[len(rules)-1].(map[string]any)["backendRefs"].([]any)
		backends[0].(map[string]any)["weight"], backends[1].(map[string]any)["weight"] = int64(80), int64(0)
		for _, rule := range rules {
			rule := rule.(map[string]any)
			header := func() map[string]any {
				return rule["matches"].([]any)[0].(map[string]any)["headers"].([]any)[0].(map[string]any)
			}
			switch rule["name"] {
			case "sticky-v1":
				header()["value"] = "^(?:[2-9][0-9])$"
			case "sticky-v2":
				header()["value"] = `^(?:[^\s\S])$`
			}
		}
		inside.SetAnnotations(nil)
		_, err := m.dynamic.Resource(httpRoutes).Namespace("gateway").Update(t.Context(), inside, metav1.UpdateOptions{FieldManager: "the test"})
		require.NoError(t, err)
		p = m.run(t)
		assert.Equal(t, 5, p.until(t, runner.Resumed).Share, p.talk.String())
		assert.Equal(t, want, shared(t, m.get(t, httpRoutes, "ship-mesh")))
		assert.Equal(t, 80, p.until(t, runner.Promoted).Share)
		assert.Equal(t, 0, p.ends(t))
		assert.Equal(t, map[string]int64{"v1": 0, "v2": 80, "v3": 20}, shared(t, m.get(t, httpRoutes, "ship-mesh")))
	}
}

// killed: SIGKILL in each step, and the next runner goes on from there once the Lease has run out.
func (w *world) killed() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "killed", document)
		m.answering(t, "v2", 0)
		p := m.run(t)
		p.until(t, runner.Waiting)
		p.kill(t)
		assert.Equal(t, map[string]int64{"v1": 80, "v2": 0, "v3": 20}, shared(t, m.get(t, virtualServices, "ship")))
		m.answering(t, "v2", 1)
		for i, share := range []int{5, 50} {
			p = m.run(t)
			if i > 0 {
				assert.Equal(t, 5, p.until(t, runner.Resumed).Share)
			}
			assert.Equal(t, share, p.until(t, runner.Moved).Share)
			p.kill(t)
			assert.EqualValues(t, share, shared(t, m.get(t, virtualServices, "ship"))["v2"])
		}
		p = m.run(t)
		e := p.until(t, runner.Resumed)
		assert.Equal(t, 50, e.Share)
		require.NotNil(t, e.Since)
		assert.Less(t, e.Since.Unix(), e.Time.Unix()-10, "the share is as old as it is")
		assert.Equal(t, 80, p.until(t, runner.Promoted).Share)
		assert.Equal(t, 0, p.ends(t))
		assert.Contains(t, p.talk.String(), "waiting for ", "the one that was killed had the Lease")
	}
}

// two: the second one waits, says for whom, and then finds everything done.
func (w *world) two() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "two", document)
		first := m.run(t)
		first.until(t, runner.Started)
		second := m.run(t)
		first.until(t, runner.Promoted)
		assert.Equal(t, 0, first.ends(t))
		e := second.until(t, runner.Resumed, runner.Started)
		assert.Equal(t, []any{runner.Resumed, 80}, []any{e.Kind, e.Share}, "it did nothing before")
		assert.Equal(t, 0, second.ends(t))
		assert.Contains(t, second.talk.String(), fmt.Sprintf("process %d, which is at work on ship", first.cmd.Process.Pid))
	}
}

// terminated: SIGTERM leaves the share, and the Lease is free at once.
func (w *world) terminated() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "terminated", document)
		p := m.run(t)
		p.until(t, runner.Moved)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		p.until(t, runner.Interrupted)
		assert.Equal(t, 130, p.ends(t), p.talk.String())
		assert.EqualValues(t, 5, shared(t, m.get(t, virtualServices, "ship"))["v2"])
		lease, err := m.dynamic.Resource(leases).Namespace("terminated").Get(t.Context(), "ship-canary", metav1.GetOptions{})
		require.NoError(t, err)
		assert.NotContains(t, lease.Object["spec"], "holderIdentity")
		began := time.Now()
		p = m.run(t)
		assert.Equal(t, 5, p.until(t, runner.Resumed).Share)
		assert.Less(t, time.Since(began), 10*time.Second)
	}
}

// lost: without the API server the traffic stays, and a verdict that falls meanwhile is carried out when it is there again.
// Without Prometheus the share stays.
func (w *world) lost() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "lost", document)
		p := m.run(t)
		p.until(t, runner.Moved)
		m.prometheus.away.Store(true)
		p.until(t, runner.Blind)
		time.Sleep(5 * time.Second)
		assert.EqualValues(t, 5, shared(t, m.get(t, virtualServices, "ship"))["v2"])
		m.prometheus.away.Store(false)
		assert.Equal(t, 50, p.until(t, runner.Moved).Share)
		m.door.shut()
		p.until(t, runner.Cut)
		m.prometheus.broken.Store(time.Now().Unix())
		time.Sleep(20 * time.Second) // longer than the Lease
		assert.EqualValues(t, 50, shared(t, m.get(t, virtualServices, "ship"))["v2"])
		m.door.unlock()
		assert.Equal(t, 0, p.until(t, runner.RolledBack).Share)
		assert.Equal(t, 1, p.ends(t))
	}
}

// anotherHand: whoever changes the weights, the rules or a revision in the middle stops the run, which says who, and nothing is
// overwritten. What is not about requests stays, and does not matter.
func (w *world) anotherHand() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		for name, test := range map[string]struct {
			change func(o map[string]any)
			says   []string
		}{
			"weights": {func(o map[string]any) {
				http := o["spec"].(map[string]any)["http"].([]any)
				route := http[len(http)-1].(map[string]any)["route"].([]any)
				route[0].(map[string]any)["weight"], route[1].(map[string]any)["weight"] = int64(40), int64(40)
			}, []string{"kubectl-edit at ", "was changed by"}},
			"rules": {func(o map[string]any) {
				http := o["spec"].(map[string]any)["http"].([]any)
				http[0].(map[string]any)["retries"] = map[string]any{"attempts": int64(7)}
			}, []string{"kubectl-edit at ", "/spec/http/0/retries"}},
			"record": {func(o map[string]any) {
				delete(o["metadata"].(map[string]any)["annotations"].(map[string]any), routes.Annotation)
			}, []string{"somebody removed the annotation kservegen.dev/canary"}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				m := w.deploy(t, "hand-"+name, document)
				p := m.run(t, "--step-min", "1m")
				p.until(t, runner.Moved)
				client := m.dynamic.Resource(virtualServices).Namespace(m.namespace)
				_, err := client.Patch(t.Context(), "ship", types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"a"}}}`), metav1.PatchOptions{FieldManager: "kubectl-label"})
				require.NoError(t, err)
				p.until(t, runner.Looked)
				p.until(t, runner.Looked)
				found := m.get(t, virtualServices, "ship")
				test.change(found.Object)
				changed, err := client.Update(t.Context(), found, metav1.UpdateOptions{FieldManager: "kubectl-edit"})
				require.NoError(t, err)
				reason := p.until(t, runner.Stopped).Reason
				for _, words := range test.says {
					assert.Contains(t, reason, words)
				}
				assert.Equal(t, 1, p.ends(t))
				assert.Equal(t, changed.Object, m.get(t, virtualServices, "ship").Object)
			})
		}
		t.Run("revision", func(t *testing.T) {
			t.Parallel()
			m := w.deploy(t, "hand-revision", document)
			p := m.run(t, "--step-min", "1m")
			p.until(t, runner.Moved)
			runtime := virtualServices
			runtime.Group, runtime.Version, runtime.Resource = "serving.kserve.io", "v1alpha1", "servingruntimes"
			_, err := m.dynamic.Resource(runtime).Namespace(m.namespace).Patch(t.Context(), "ship-v2", types.MergePatchType, []byte(`{"spec":{"disabled":true}}`), metav1.PatchOptions{})
			require.NoError(t, err)
			assert.Contains(t, p.until(t, runner.Stopped).Reason, "v1 or v2 is not what it was when v2 got 5 %")
		})
		t.Run("document", func(t *testing.T) {
			t.Parallel()
			m := w.deploy(t, "hand-document", document)
			p := m.run(t, "--step-min", "1m")
			p.until(t, runner.Moved)
			text, err := os.ReadFile(m.document)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(m.document, []byte(strings.Replace(string(text), "org/m", "org/n", 1)), 0o600))
			assert.Contains(t, p.until(t, runner.Stopped).Reason, "was changed since the run began")
			assert.EqualValues(t, 5, shared(t, m.get(t, virtualServices, "ship"))["v2"])
		})
	}
}

// gitOps: what Flux writes is left to Git, and is ours again once Flux has left it, though managedFields remember who was here.
func (w *world) gitOps() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "gitops", document)
		spec := m.get(t, virtualServices, "ship").Object["spec"]
		asFlux := func(labels map[string]any) {
			found := m.get(t, virtualServices, "ship")
			body, err := json.Marshal(map[string]any{
				"apiVersion": found.GetAPIVersion(), "kind": found.GetKind(), "metadata": map[string]any{"name": "ship", "labels": labels}, "spec": spec,
			})
			require.NoError(t, err)
			force := true
			_, err = m.dynamic.Resource(virtualServices).Namespace("gitops").Patch(t.Context(), "ship", types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: "kustomize-controller", Force: &force})
			require.NoError(t, err)
		}
		asFlux(map[string]any{"kustomize.toolkit.fluxcd.io/name": "ship", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"})
		p := m.run(t)
		assert.Contains(t, p.until(t, runner.Stopped).Reason, "Flux writes VirtualService ship from Git (label kustomize.toolkit.fluxcd.io/name)")
		assert.Equal(t, 1, p.ends(t))
		p = m.run(t, "--despite-gitops")
		assert.Equal(t, 5, p.until(t, runner.Moved).Share)
		p.kill(t)

		asFlux(nil)
		assert.Equal(t, 5, m.run(t, "--again").until(t, runner.Moved).Share, "the label is gone, and the manager's entry is not")
	}
}

// refused: what is not there, or not what the document says, is not begun.
func (w *world) refused() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		m := w.deploy(t, "refused", document)
		text, err := os.ReadFile(m.document)
		require.NoError(t, err)
		for name, test := range map[string]struct{ old, changed, says string }{
			"other weights": {"weight: 20", "weight: 30", "it has v1 80, v2 0, v3 20, and the document has"},
			"other rules":   {"x-llm-bucket", "x-bucket", "VirtualService ship is not what the document says"},
			"other model":   {"name: ship", "name: shop", "the cluster has no VirtualService shop"},
		} {
			changed := strings.Replace(string(text), test.old, test.changed, 1)
			if name == "other weights" {
				changed = strings.Replace(changed, "weight: 80", "weight: 70", 1)
			}
			require.NoError(t, os.WriteFile(m.document, []byte(changed), 0o600))
			p := m.run(t)
			assert.Contains(t, p.until(t, runner.Stopped).Reason, test.says, name)
			assert.Equal(t, 1, p.ends(t), name)
		}
	}
}

// shadowed begins with copies of a fifth.
func shadowed(document string) string {
	return strings.Replace(document, "to: v2, steps", "to: v2, shadow: 20, steps", 1)
}

// copied is what the last rule of a route sends copies of to v2, nil for none.
func copied(t *testing.T, o *unstructured.Unstructured) any {
	t.Helper()
	field, list, percent := "http", "mirrors", []string{"percentage", "value"}
	if o.GetKind() == "HTTPRoute" {
		field, list, percent = "rules", "filters", []string{"requestMirror", "percent"}
	}
	rules, _, err := unstructured.NestedSlice(o.Object, "spec", field)
	require.NoError(t, err)
	entries, _, err := unstructured.NestedSlice(rules[len(rules)-1].(map[string]any), list)
	require.NoError(t, err)
	if len(entries) == 0 {
		return nil
	}
	require.Len(t, entries, 1)
	found, _, err := unstructured.NestedFieldNoCopy(entries[0].(map[string]any), percent...)
	require.NoError(t, err)
	return found
}

// copies come before the first share, which ends them in the same write; a runner that is killed meanwhile goes on with them, and
// errors of copies take them back.
func (w *world) copies() func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Run("shares", func(t *testing.T) {
			t.Parallel()
			m := w.deploy(t, "copies-shares", shadowed(document))
			m.asLeastPrivileged(t)
			before := m.get(t, virtualServices, "ship")
			p := m.run(t)
			e := p.until(t, runner.Moved)
			assert.Equal(t, []any{runner.Copies, 0, 20}, []any{e.Phase, e.Share, e.Shadow})
			at := m.get(t, virtualServices, "ship")
			assert.EqualValues(t, 20, copied(t, at))
			assert.Equal(t, map[string]int64{"v1": 80, "v2": 0, "v3": 20}, shared(t, at))
			p.kill(t)
			p = m.run(t)
			assert.Equal(t, 20, p.until(t, runner.Resumed).Shadow)
			e = p.until(t, runner.Moved)
			assert.Equal(t, []any{runner.Shares, 5, 20, 0}, []any{e.Phase, e.Share, e.ShadowBefore, e.Shadow})
			at = m.get(t, virtualServices, "ship")
			assert.Nil(t, copied(t, at))
			assert.Equal(t, map[string]int64{"v1": 75, "v2": 5, "v3": 20}, shared(t, at))
			assert.EqualValues(t, 2, at.GetGeneration()-before.GetGeneration(), "one write each")
			assert.Equal(t, 80, p.until(t, runner.Promoted).Share)
			assert.Equal(t, 0, p.ends(t))
		})
		t.Run("errors", func(t *testing.T) {
			t.Parallel()
			m := w.deploy(t, "copies-errors", shadowed(gatewayDocument()))
			before := m.get(t, httpRoutes, "ship").Object["spec"]
			p := m.run(t, "--step-min", "1m")
			p.until(t, runner.Moved)
			for _, name := range []string{"ship", "ship-mesh"} {
				assert.EqualValues(t, 20, copied(t, m.get(t, httpRoutes, name)), name)
			}
			m.prometheus.broken.Store(time.Now().Unix())
			e := p.until(t, runner.RolledBack)
			assert.Equal(t, []int{0, 20, 0}, []int{e.Share, e.ShadowBefore, e.Shadow})
			assert.Contains(t, e.Reason, "errors is")
			assert.Equal(t, 1, p.ends(t))
			assert.Equal(t, before, m.get(t, httpRoutes, "ship").Object["spec"])
			assert.Nil(t, copied(t, m.get(t, httpRoutes, "ship-mesh")))
			assert.Equal(t, 1, m.run(t).ends(t), "and stays so")
		})
	}
}
