package queries

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const canaryDocument = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "pvc://models/m"}
  accelerator: {type: a10g}
  runtime: {version: v0.33.0}
  expose: {hosts: [llm.example.com], gateway: istio-ingress/llm}
  revisions:
  - {name: v1%s}
  - {name: v2}
  traffic:
  - {revision: v1, weight: 75}
  - {revision: v2, weight: 25}
  environments:
  - {name: production}
`

// What is asked of the old and the new names of vLLM's metrics: 0.10.0 has time_per_output_token_seconds and no
// inter_token_latency_seconds, and both names of the cache's use.
const before0102 = `, runtime: {version: v0.10.0}`

// analysis has of the answer what the tests read.
type analysis struct {
	Notes  []string
	Report struct {
		Verdict          string
		Reasons          []string
		BaselineRequests float64
		CanaryRequests   float64
		Metrics          []struct {
			Name, Verdict    string
			Required         bool
			Baseline, Canary *float64
		}
	}
}

// analyze runs the CLI on what a Prometheus has, over 65 minutes of which five are the warm-up.
func analyze(t *testing.T, document, url string, flags ...string) (found analysis, code int, said string) {
	t.Helper()
	program, file := programAnd(t, document)
	args := append([]string{"canary", "analyze", "-f", file, "--prometheus", url, "-o", "json", "--since", "1970-01-01T00:01:00Z", "--until", "1970-01-01T01:06:00Z"}, flags...)
	var out, talk bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err, "build the CLI first, or name it in KSERVEGEN")
	}
	if out.Len() > 0 {
		require.NoError(t, json.Unmarshal(out.Bytes(), &found), "%s", &out)
	}
	return found, cmd.ProcessState.ExitCode(), talk.String()
}

// TestGate: the verdict on series that Prometheus' own engine and HTTP API answer from.
func TestGate(t *testing.T) {
	good := traffic{perScrape: 112, ttft: 1, itl: 1}
	for name, c := range map[string]struct {
		profile  string
		document string
		canary   func(*traffic)
		baseline func(*traffic)
		want     string
		code     int
		because  string
	}{
		"the same, counted by callers":       {profile: "istio", want: "pass"},
		"the same, counted by its sidecars":  {profile: "istio", baseline: destination, canary: destination, want: "pass"},
		"the same, counted by Envoy":         {profile: "envoy", want: "pass"},
		"the same, counted by the server":    {profile: "vllm", want: "pass"},
		"old names on one side":              {profile: "vllm", document: before0102, baseline: func(w *traffic) { w.old = true }, want: "pass"},
		"errors, counted by callers":         {profile: "istio", canary: failing, want: "fail", code: 1, because: "errors"},
		"errors, counted by Envoy":           {profile: "envoy", canary: failing, want: "fail", code: 1, because: "errors"},
		"errors, counted by the server":      {profile: "vllm", canary: failing, want: "fail", code: 1, because: "errors"},
		"a slow first token":                 {profile: "istio", canary: func(w *traffic) { w.ttft = 1.4 }, want: "fail", code: 1, because: "ttft-mean"},
		"slow tokens, old names on one side": {profile: "istio", document: before0102, baseline: func(w *traffic) { w.old = true }, canary: func(w *traffic) { w.itl = 1.3 }, want: "fail", code: 1, because: "itl-mean"},
		"too few requests":                   {profile: "istio", canary: func(w *traffic) { w.perScrape = .2 }, want: "not enough data", code: 4, because: "errors"},
		"no canary at all":                   {profile: "istio", canary: func(w *traffic) { w.perScrape = -1 }, want: "not enough data", code: 4, because: "the canary answered 0 requests"},
		"pods that come and go":              {profile: "istio", canary: func(w *traffic) { w.restart = true }, baseline: func(w *traffic) { w.restart = true }, want: "pass"},
	} {
		t.Run(name, func(t *testing.T) {
			baseline, canary := good, good
			canary.perScrape = good.perScrape / 3
			for change, to := range map[*traffic]func(*traffic){&baseline: c.baseline, &canary: c.canary} {
				if to != nil {
					to(change)
				}
			}
			server := serve(t, baseline.series(1, "v1")+canary.series(2, "v2"))
			found, code, said := analyze(t, fmt.Sprintf(canaryDocument, c.document), server.URL, "--profile", c.profile)
			require.Equal(t, c.code, code, "%s\n%+v", said, found)
			assert.Equal(t, c.want, found.Report.Verdict)
			if c.because != "" {
				assert.Contains(t, fmt.Sprint(found.Report.Reasons), c.because)
			}
			if c.want == "pass" {
				for _, m := range found.Report.Metrics {
					assert.NotNil(t, m.Baseline, "%s has no data of the baseline", m.Name)
					assert.NotNil(t, m.Canary, "%s has no data of the canary", m.Name)
				}
			}
		})
	}
}

// TestCounts: what is counted is what happened, the first events of a response code included, but for what a process counted after
// the last edge before its end. Without histograms the test waits 30 blocks for them, of 65.
func TestCounts(t *testing.T) {
	const series = `  istio_requests_total{reporter="source", pod="gateway-1", destination_service="m-v1-predictor.llm.svc.cluster.local", response_code="200"} 0+10x400
  istio_requests_total{reporter="source", pod="gateway-1", destination_service="m-v2-predictor.llm.svc.cluster.local", response_code="200"} 7+4x149 0+4x400
  istio_requests_total{reporter="source", pod="gateway-1", destination_service="m-v2-predictor.llm.svc.cluster.local", response_code="503"} _x199 5x400
  istio_requests_total{reporter="destination", pod="m-v2", destination_service="m-v2-predictor.llm.svc.cluster.local", response_code="200"} 0+4x400
`
	found, code, said := analyze(t, fmt.Sprintf(canaryDocument, ""), serve(t, series).URL, "--warm-up", "0s")
	require.Equal(t, 4, code, "%s", said)
	const lost = 8 // of the 16 of the block in which the process began anew, those before
	assert.Equal(t, 35*40.0, found.Report.BaselineRequests)
	assert.Equal(t, 35*16.0-lost+5, found.Report.CanaryRequests)
	require.NotEmpty(t, found.Report.Metrics)
	errors := found.Report.Metrics[0]
	require.Equal(t, "errors", errors.Name)
	require.NotNil(t, errors.Canary)
	assert.InDelta(t, 5/(35*16.0-lost+5), *errors.Canary, 1e-12)
}
