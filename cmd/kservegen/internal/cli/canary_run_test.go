package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/rollout/apitest"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/spec"
)

// running is a cluster that the document of the tests was applied to, and a directory with both.
type running struct {
	*apitest.Server
	document, dir, kubeconfig string
}

const routed = "/apis/networking.istio.io/v1/namespaces/llm/virtualservices/canary"

func runsIn(t *testing.T, change func(string) string) *running {
	t.Helper()
	text, err := os.ReadFile(analyzed)
	require.NoError(t, err)
	r := &running{Server: apitest.New(t), dir: t.TempDir()}
	r.document, r.kubeconfig = filepath.Join(r.dir, "canary.yaml"), filepath.Join(r.dir, "kubeconfig")
	changed := change(string(text))
	require.NoError(t, os.WriteFile(r.document, []byte(changed), 0o600))
	require.NoError(t, os.WriteFile(r.kubeconfig, []byte(`{apiVersion: v1, kind: Config, current-context: test, contexts: [{name: test, context: {cluster: test}}],
clusters: [{name: test, cluster: {server: "`+r.Config.Host+`"}}]}`), 0o600))
	documents, err := spec.Load(r.document, strings.NewReader(changed))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(documents[0])
	require.NoError(t, err)
	for _, object := range tree.Environments[1].Objects {
		if object["kind"] == "VirtualService" {
			r.Put(routed, object)
		}
	}
	for _, revision := range []string{"v1", "v2"} {
		r.PutYAML(t, "/apis/serving.kserve.io/v1beta1/namespaces/llm/inferenceservices/canary-"+revision, "{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {generation: 1, labels: {kservegen.dev/model: canary, kservegen.dev/revision: "+revision+"}}}")
		r.PutYAML(t, "/apis/apps/v1/namespaces/llm/deployments/canary-"+revision+"-predictor", "{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1, availableReplicas: 2}}")
	}
	return r
}

func asItIs(text string) string { return text }

func (r *running) run(ctx context.Context, flags ...string) (code int, out, said string) {
	var stdout, stderr bytes.Buffer
	args := append([]string{"canary", "run", "-f", r.document, "-d", filepath.Join(r.dir, "deploy"), "--env", "production", "--kubeconfig", r.kubeconfig, "--prometheus", "http://127.0.0.1:1"}, flags...)
	code = Main(ctx, args, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestRunPlan(t *testing.T) {
	t.Parallel()
	r := runsIn(t, asItIs)
	code, out, said := r.run(t.Context(), "--dry-run", "--profile", "vllm", "--blind-max", "1h")
	require.Equal(t, exitOK, code, said)
	out = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(out, "DATE       AND TIME")
	assert.Contains(t, out, `canary in namespace llm, environment production, cluster test: from v1 to v2
now: v2 has 10 of 100 %, and answers

share  earliest             latest               goes on
10 %   DATE       AND TIME  DATE       AND TIME  after a pass, and 10m0s; a failure: back to 0; neither in 2h0m0s: back to 0
25 %   DATE       AND TIME  DATE       AND TIME  after a pass, and 10m0s; a failure: back to 0; neither in 2h0m0s: back to 0
50 %   DATE       AND TIME  DATE       AND TIME  after a pass, and 10m0s; a failure: back to 0; neither in 2h0m0s: back to 0
100 %  DATE       AND TIME  DATE       AND TIME  promoted

Every 1m0s Prometheus is asked for the time since the share was given:
`)
	assert.Contains(t, out, `http_requests_total`)
	assert.Empty(t, r.Writes())
}

// TestRunPlanWithCopies: they come first, and those that the cluster has count.
func TestRunPlanWithCopies(t *testing.T) {
	t.Parallel()
	r := runsIn(t, shadows(""))
	plan := func() string {
		code, out, said := r.run(t.Context(), "--dry-run", "--profile", "vllm")
		require.Equal(t, exitOK, code, said)
		return regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(out, "DATE       AND TIME")
	}
	assert.Contains(t, plan(), `now: v2 has 0 of 100 %, and answers

share           earliest             latest               goes on
0 %             DATE       AND TIME  DATE       AND TIME  once v2 answers; not in 2h0m0s: back to 0
copies of 20 %  DATE       AND TIME  DATE       AND TIME  after a pass, and 10m0s; a failure: back to 0 and no copies; neither in 2h0m0s: back to 0
5 %             DATE       AND TIME  DATE       AND TIME  after a pass, and 10m0s; a failure: back to 0; neither in 2h0m0s: back to 0
`)
	r = runsIn(t, shadows(", mirror: 7"))
	assert.Contains(t, plan(), `now: v2 has 0 of 100 %, and copies of 7 %, and answers

share          earliest             latest               goes on
copies of 7 %  DATE       AND TIME  DATE       AND TIME  after a pass`)
	assert.Empty(t, r.Writes())
}

// shadows begins the canary, with copies in its plan.
func shadows(mirror string) func(string) string {
	return func(text string) string {
		return strings.NewReplacer("weight: 90", "weight: 100", "weight: 10}", "weight: 0"+mirror+"}", "  traffic:\n", "  rollout: {from: v1, to: v2, shadow: 20}\n  traffic:\n").Replace(text)
	}
}

// TestRunBeginsWithCopies, and takes them back where the revision is lost.
func TestRunBeginsWithCopies(t *testing.T) {
	t.Parallel()
	r := runsIn(t, shadows(""))
	ctx, cancel := context.WithCancel(t.Context())
	out := &untilMoved{cancel: cancel}
	code := Main(ctx, []string{"canary", "run", "-f", r.document, "--env", "production", "-d", filepath.Join(r.dir, "deploy"), "--kubeconfig", r.kubeconfig, "--prometheus", "http://127.0.0.1:1", "-o", "json", "--interval", "1s"},
		Streams{In: strings.NewReader(""), Out: out, Err: &bytes.Buffer{}})
	assert.Equal(t, exitInterrupted, code)
	assert.Contains(t, out.String(), `"event":"moved","model":"canary","namespace":"llm","environment":"production","baseline":"v1","canary":"v2","before":0,"share":0,"shadow":20,"phase":"shadow"`)
	mirrors := func() any {
		return r.Get(routed)["spec"].(map[string]any)["http"].([]any)[0].(map[string]any)["mirrors"]
	}
	assert.Len(t, mirrors(), 1)
	r.PutYAML(t, "/apis/apps/v1/namespaces/llm/deployments/canary-v2-predictor", "{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1}}")
	code, _, said := r.run(t.Context())
	assert.Equal(t, exitFindings, code)
	assert.Regexp(t, `(?m)  0 %  resumed      it has copies of 20 % since .*\n.*  0 %  rolled back  none of its replicas answers`, said)
	assert.Nil(t, mirrors())
}

func TestRunIsInterrupted(t *testing.T) {
	t.Parallel()
	r := runsIn(t, asItIs)
	ctx, cancel := context.WithCancel(t.Context())
	out := &untilMoved{cancel: cancel}
	code := Main(ctx, []string{"canary", "run", "-f", r.document, "--env", "production", "-d", filepath.Join(r.dir, "deploy"), "--kubeconfig", r.kubeconfig, "--prometheus", "http://127.0.0.1:1", "-o", "json", "--interval", "1s"},
		Streams{In: strings.NewReader(""), Out: out, Err: &bytes.Buffer{}})
	assert.Equal(t, exitInterrupted, code)
	var kinds []runner.Kind
	for line := range strings.Lines(out.String()) {
		var e runner.Event
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		assert.Equal(t, runner.Subject{Model: "canary", Namespace: "llm", Environment: "production", Baseline: "v1", Canary: "v2"}, e.Subject)
		assert.Equal(t, 10, e.Share)
		kinds = append(kinds, e.Kind)
	}
	assert.Equal(t, []runner.Kind{runner.Resumed, runner.Moved, runner.Interrupted}, kinds)
	lease := r.Get("/apis/coordination.k8s.io/v1/namespaces/llm/leases/canary-canary")
	assert.NotContains(t, lease["spec"], "holderIdentity")
}

// untilMoved interrupts once a share was given.
type untilMoved struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (u *untilMoved) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(`"event":"moved"`)) {
		u.cancel()
	}
	return u.Buffer.Write(p)
}

func TestRunEnds(t *testing.T) {
	t.Parallel()
	r := runsIn(t, asItIs)
	r.PutYAML(t, "/apis/apps/v1/namespaces/llm/deployments/canary-v2-predictor", "{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1}}")
	code, out, said := r.run(t.Context())
	assert.Equal(t, exitFindings, code)
	assert.Empty(t, out)
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d    0 %  rolled back  none of its replicas answers: its replicas do not answer yet$`, said)
	assert.Contains(t, said, "canary.yaml gives v2 10 % still, which the next kubectl apply would bring: kservegen canary abort -f ")
	assert.Contains(t, r.Get(routed)["metadata"].(map[string]any)["annotations"], "kservegen.dev/canary")

	code, out, said = r.run(t.Context(), "--dry-run")
	assert.Equal(t, exitOK, code, said)
	assert.Contains(t, out, "and was rolled back: none of its replicas answers: its replicas do not answer yet; --again begins anew")

	r = runsIn(t, func(text string) string {
		return strings.NewReplacer("weight: 90", "weight: 0", "weight: 10}", "weight: 100}").Replace(text)
	})
	code, _, said = r.run(t.Context())
	assert.Equal(t, exitOK, code)
	assert.Contains(t, said, "100 %  promoted     v2 has everything that both had")

	require.NoError(t, os.WriteFile(r.document, []byte(strings.ReplaceAll(readFile(t, r.document), "name: canary", "name: other")), 0o600))
	code, _, said = r.run(t.Context())
	assert.Equal(t, exitFindings, code)
	assert.Contains(t, said, "the cluster has no VirtualService other in namespace llm; apply the tree first: kubectl apply -k")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// TestRunByTheTree: what a person patched in custom/ is part of what must be in the cluster, and a tree that is not the
// document's is refused.
func TestRunByTheTree(t *testing.T) {
	t.Parallel()
	r := runsIn(t, asItIs)
	var talk bytes.Buffer
	require.Equal(t, exitOK, Main(t.Context(), []string{"render", "-f", r.document, "-o", filepath.Join(r.dir, "deploy")}, Streams{In: strings.NewReader(""), Out: &talk, Err: &talk}), talk.String())
	code, _, said := r.run(t.Context(), "--dry-run")
	require.Equal(t, exitOK, code, said)

	custom := filepath.Join(r.dir, "deploy/canary/overlays/production/custom/kustomization.yaml")
	require.NoError(t, os.WriteFile(custom, []byte(strings.Replace(readFile(t, custom), "patches: []", `patches:
- target: {kind: VirtualService}
  patch: '[{"op": "add", "path": "/spec/http/0/corsPolicy", "value": {"maxAge": "5s"}}]'
`, 1)), 0o600))
	code, _, said = r.run(t.Context(), "--dry-run")
	assert.Equal(t, exitFindings, code)
	assert.Contains(t, said, "at /spec/http/0/corsPolicy; apply the tree first (kubectl apply -k)")
	route := r.Get(routed)
	route["spec"].(map[string]any)["http"].([]any)[0].(map[string]any)["corsPolicy"] = map[string]any{"maxAge": "5s"}
	r.Put(routed, route)
	code, _, said = r.run(t.Context(), "--dry-run")
	assert.Equal(t, exitOK, code, said)

	require.NoError(t, os.WriteFile(r.document, []byte(strings.Replace(readFile(t, r.document), "max-num-seqs: 128", "max-num-seqs: 64", 1)), 0o600))
	code, _, said = r.run(t.Context())
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, said, "is not what the document says; render it, and apply it")
}

// TestIdentity: two runners of one name and one process number, as two containers may be, are two.
func TestIdentity(t *testing.T) {
	t.Parallel()
	assert.Regexp(t, `^.+ \([0-9A-Z]{6}\), process \d+$`, identity())
	one, other := identity(), identity()
	assert.NotEqual(t, one, other)
}
