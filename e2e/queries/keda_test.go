package queries

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"
)

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: %s, namespace: llm}
spec:
  serving: %s
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "pvc://models/m"}
  accelerator: %s
  replicas: {min: 0, max: 2}
  expose: {hosts: [llm.example.com], gateway: istio-ingress/llm}
  scaling: {type: keda}
  environments:
  - {name: dev}
`

// Of the series that Prometheus collects every 15 s, beside those of the model's pods: what the gateway sent to the model, and
// what says that the gateway is collected.
const (
	requests = `istio_requests_total{reporter="source", destination_service="m-v1-predictor.llm.svc.cluster.local", pod="gateway-1"} `
	second   = `istio_requests_total{reporter="source", destination_service="m-v1-predictor.llm.svc.cluster.local", pod="gateway-2"} `
	gateway  = `envoy_server_live{namespace="istio-ingress", pod="gateway-1"} `
	other    = `envoy_server_live{namespace="istio-ingress", pod="gateway-2"} `
	anything = `up{namespace="monitoring"} `
	istiod   = `up{namespace="istio-ingress", pod="istiod"} `
)

// TestActivity asks Prometheus' own engine whether anyone asks for the model, 1, or nobody, 0: one number in any case.
func TestActivity(t *testing.T) {
	m := render(t, fmt.Sprintf(document, "m", "InferenceService", "{type: a10g}"))
	running := "vllm:num_requests_running{" + m.pod + "} "
	waiting := "vllm:num_requests_waiting{" + m.pod + "} "
	collected := []string{anything + "1x100", gateway + "1x100"}
	for name, c := range map[string]struct {
		series   []string
		from, to string // of each poll
		want     string
	}{
		"nobody has ever asked":                   {collected, "0s", "20m", "0"},
		"nobody asks any more":                    {append(collected, requests+"5x100"), "4m", "20m", "0"},
		"the first request ever":                  {append(collected, requests+"_x56 1x44"), "14m", "16m15s", "1"},
		"the first request is over":               {append(collected, requests+"_x56 1x44"), "16m45s", "20m", "0"},
		"one request more":                        {append(collected, requests+"5x55 6x44"), "14m", "16m", "1"},
		"one request more is over":                {append(collected, requests+"5x55 6x44"), "16m15s", "20m", "0"},
		"many requests ask for one replica":       {append(collected, requests+"0+50x100"), "1m", "20m", "1"},
		"by the second gateway":                   {append(collected, other+"1x100", requests+"5x100", second+"_x56 1x44"), "14m", "16m15s", "1"},
		"one of two gateways goes":                {append(collected, other+"1x40 stale", requests+"5x100", second+"5x40 stale"), "4m", "20m", "0"},
		"a stream is long":                        {append(collected, requests+"5x100", running+"1x100"), "0s", "20m", "1"},
		"a request waits":                         {append(collected, requests+"5x100", waiting+"7x100"), "0s", "20m", "1"},
		"the gateway is gone for a while":         {[]string{anything + "1x100", gateway + "1x40 stale _x15 1x60"}, "0s", "20m", "0"},
		"the gateway is gone":                     {[]string{anything + "1x100", gateway + "1x20 stale"}, "10m15s", "20m", "1"},
		"the gateway was never collected":         {[]string{anything + "1x100"}, "1m15s", "20m", "1"},
		"another thing is, where the gateway is":  {[]string{istiod + "1x100"}, "1m15s", "20m", "1"},
		"Prometheus begins, the only one later":   {[]string{anything + "_x38 1x60", gateway + "_x41 1x60", requests + "_x41 5x60"}, "0s", "20m", "0"},
		"Prometheus begins, a gateway later":      {[]string{anything + "_x38 1x60", gateway + "_x38 1x60", other + "_x41 1x60", second + "_x41 5x60"}, "0s", "20m", "0"},
		"Prometheus begins, one asks, and again":  {[]string{anything + "_x38 1x60", gateway + "_x41 1x60", requests + "_x44 1x3 2x50"}, "12m", "14m", "1"},
		"Prometheus has been away for 4 minutes":  {away(16), "0s", "20m", "0"},
		"Prometheus has been away for 5½ minutes": {away(22), "0s", "20m", "0"},
		"Prometheus has been away for 7 minutes":  {away(28), "0s", "20m", "0"},
		"Prometheus has been away for 10 minutes": {away(40), "0s", "20m", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			answer(t, c.series, m.activity, c.from, c.to, "{} "+c.want)
		})
	}
}

// away are the series of a Prometheus that collects nothing so many times in a row, and the gateway only the third time after.
func away(times int) []string {
	return []string{
		anything + fmt.Sprintf("1x20 _x%d 1x100", times), gateway + fmt.Sprintf("1x20 _x%d 1x100", times+2), requests + fmt.Sprintf("5x20 _x%d 5x100", times+2),
	}
}

// TestLoad: the sum of a revision's own pods, whatever serves it and however long its name is, or nothing.
func TestLoad(t *testing.T) {
	const long = "deepseek-r1-distill-llama-8b-fp8-dynamic"
	for name, document := range map[string]string{
		"InferenceService":    fmt.Sprintf(document, long, "InferenceService", "{type: a10g}"),
		"LLMInferenceService": fmt.Sprintf(document, long, "LLMInferenceService", "{type: a10g}"),
		"LeaderWorkerSet":     fmt.Sprintf(document, "deepseek-r1", "LeaderWorkerSet", "{type: h100, perReplica: 16, nodes: 2}"),
	} {
		t.Run(name, func(t *testing.T) {
			m := render(t, document)
			own := "vllm:num_requests_waiting{" + m.pod + "%s} "
			others := []string{
				strings.Replace(fmt.Sprintf(own, ""), `revision="v1"`, `revision="v2"`, 1) + "100x10",
				strings.Replace(fmt.Sprintf(own, ""), `model="deepseek`, `model="another-deepseek`, 1) + "100x10",
				strings.Replace(fmt.Sprintf(own, ""), `namespace="llm"`, `namespace="ml"`, 1) + "100x10",
			}
			answer(t, append(others, fmt.Sprintf(own, `, engine="0"`)+"3x10", fmt.Sprintf(own, `, engine="1"`)+"4x10"), m.load, "1m", "2m", "{} 7")
			answer(t, others, m.load, "1m", "2m", "")
		})
	}
}

// TestVersion: the engine is that of the Prometheus which the cluster runs.
func TestVersion(t *testing.T) {
	pinned := regexp.MustCompile(`(?m)^\s*github.com/prometheus/prometheus (v\S+)`)
	var versions []string
	for _, file := range []string{"go.mod", filepath.Join("..", "tools", "prometheus", "go.mod")} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		match := pinned.FindSubmatch(text)
		require.NotNil(t, match, "%s pins no Prometheus", file)
		versions = append(versions, string(match[1]))
	}
	require.Equal(t, versions[1], versions[0])
}

// poll is how often KEDA asks.
const poll = 15 * time.Second

func moment(t *testing.T, text string) time.Duration {
	t.Helper()
	at, err := time.ParseDuration(text)
	require.NoError(t, err)
	return at
}

// answer wants a query to answer the same at each poll of KEDA between two times, with exactly these series.
func answer(t *testing.T, series []string, query, from, to, want string) {
	t.Helper()
	script := "load 15s\n"
	for _, one := range series {
		script += "  " + one + "\n"
	}
	script += "\n"
	for at := moment(t, from); at <= moment(t, to); at += poll {
		script += fmt.Sprintf("eval instant at %s %s\n", at, query)
		if want != "" {
			script += "  " + want + "\n"
		}
		script += "\n"
	}
	promqltest.RunTest(t, script, promqltest.NewTestEngine(t, false, 0, 10000))
}
