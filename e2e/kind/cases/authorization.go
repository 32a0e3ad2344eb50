package cases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/spec"
)

// authorization: who may call, and what.
func authorization() Case {
	return Case{Name: "authorization", Checks: []Check{
		{Name: "gateway", Run: gatewayPasses},
		{Name: "caller", Run: callerPasses},
		{Name: "others", Run: othersRefused},
		{Name: "metrics", Run: metricsForMonitoring},
		{Name: "tokens", Run: tokensChecked},
	}}
}

// mistakeLabel is on what is added to the cluster by mistake.
const mistakeLabel = "kservegen.dev/mistake"

// openToAll adds a policy that lets everyone in, as somebody does who tries to find out why a call is refused. The
// gateway notices last: Envoy goes on with the old filters on connections that are open until it has drained them
// (Istio's terminationDrainDuration is for pods; for listeners it is Envoy's --drain-time-s, 45 s by pilot-agent).
func openToAll(ctx context.Context, e *Env) error {
	if err := e.letIn(ctx); err != nil {
		return err
	}
	if err := untilViolated(ctx, e, "another workload to be let in", othersRefused); err != nil {
		return err
	}
	return untilViolated(ctx, e, "the gateway to be let in everywhere", gatewayPasses)
}

// letIn adds a policy whose one rule asks for nothing.
func (e *Env) letIn(ctx context.Context) error {
	return e.Kubectl.Apply(ctx, map[string]any{
		"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
		"metadata": map[string]any{"name": "open", "namespace": e.Tree.Namespace(), "labels": map[string]any{mistakeLabel: "open"}},
		"spec":     map[string]any{"rules": []any{map[string]any{}}},
	})
}

// paths of the server: those of the API, and what lies beside it (vLLM's and the simulator's).
func paths() (api, beside []string) {
	return []string{"/v1/models"}, []string{"/health", "/metrics", "/tokenize", "/version", "/", "/v1"}
}

// gatewayPasses: the API through the gateway, and nothing else of the server.
func gatewayPasses(ctx context.Context, e *Env) error {
	if err := e.needsPolicies(); err != nil {
		return err
	}
	api, beside := paths()
	want := map[string]int{}
	for _, path := range api {
		want[path] = http.StatusOK
	}
	for _, path := range beside {
		want[path] = http.StatusForbidden
	}
	var errs []error
	for path, code := range want {
		status, _, err := e.Client(1).Get(ctx, path, nil)
		if err == nil && status != code {
			err = violated("%s through the gateway got %d, not %d", path, status, code)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	e.Figure("through the gateway: %d paths of the API answered, %d others got 403", len(api), len(beside))
	return nil
}

// callerPasses: the same for a workload that the tree names.
func callerPasses(ctx context.Context, e *Env) error {
	client, url, err := e.caller()
	if err != nil {
		return err
	}
	api, beside := paths()
	return errors.Join(
		e.answers(ctx, client, url, api, http.StatusOK),
		e.answers(ctx, client, url, beside, http.StatusForbidden),
		e.generates(ctx, client, url, http.StatusOK),
	)
}

// othersRefused: another service account of a caller's namespace, with a sidecar and an identity, gets 403 on
// every path.
func othersRefused(ctx context.Context, e *Env) error {
	client, url, err := e.caller()
	if err != nil {
		return err
	}
	namespace, _, _ := strings.Cut(client, "/")
	api, beside := paths()
	other := namespace + "/" + install.Injected
	return errors.Join(
		e.answers(ctx, other, url, append(api, beside...), http.StatusForbidden),
		e.generates(ctx, other, url, http.StatusForbidden),
	)
}

// generates asks for a chat answer, which is what costs money.
func (e *Env) generates(ctx context.Context, client, url string, want int) error {
	body := fmt.Sprintf(`{"model":%q,"max_tokens":2,"messages":[{"role":"user","content":"hi"}]}`, e.Tree.Model())
	got, err := e.curl(ctx, client, "-H", "Content-Type: application/json", "-d", body, url+"/v1/chat/completions")
	if err == nil && got.status != want {
		err = violated("%s asked for a chat answer and got %s, not %d", client, got, want)
	}
	return err
}

// answers asks for each path from a client's pod.
func (e *Env) answers(ctx context.Context, client, url string, paths []string, want int) error {
	var errs []error
	for _, path := range paths {
		got, err := e.curl(ctx, client, url+path)
		if err == nil && got.status != want {
			err = violated("%s asked for %s and got %s, not %d", client, path, got, want)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	e.Figure("%s: %d on %s", client, want, strings.Join(paths, " "))
	return nil
}

// withoutMonitoring takes the metrics' port out of the NetworkPolicies, as one does who takes it for a mistake.
func withoutMonitoring(ctx context.Context, e *Env) error {
	if !e.has("NetworkPolicy") {
		return lacks("no NetworkPolicy")
	}
	for _, policy := range e.Tree.Networks {
		for i, rule := range policy.Spec.Ingress {
			if !tree.LetsScrape(rule) {
				continue
			}
			patch := fmt.Sprintf(`[{"op":"remove","path":"/spec/ingress/%d"}]`, i)
			if _, err := e.Kubectl.Run(ctx, "-n", policy.Namespace, "patch", "networkpolicy", policy.Name, "--type=json", "-p", patch); err != nil {
				return err
			}
			return untilViolated(ctx, e, "monitoring to be shut out", metricsForMonitoring)
		}
	}
	return lacks("no NetworkPolicy that lets monitoring in")
}

// metricsForMonitoring: the merged metrics of server and sidecar, on the sidecar's port.
func metricsForMonitoring(ctx context.Context, e *Env) error {
	found, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	url := fmt.Sprintf("http://%s:%d/stats/prometheus", found[0].Status.PodIP, spec.MetricsPort)
	namespace, pod := e.Tree.Needs().Monitoring, install.Uninjected
	out, err := e.Kubectl.Run(ctx, "-n", namespace, "exec", pod, "-c", "client", "--", "curl", "-sS", "--max-time", "5", url)
	if err != nil && strings.Contains(err.Error(), "curl: (") {
		return violated("monitoring reads nothing: %v", err)
	}
	if err != nil {
		return err
	}
	for _, metric := range []string{"vllm:num_requests_running", "envoy_"} {
		if !strings.Contains(out, metric) {
			return violated("%s has no %s", url, metric)
		}
	}
	e.Figure("monitoring reads vLLM's and the sidecar's metrics together, %d lines", strings.Count(out, "\n"))
	return nil
}
