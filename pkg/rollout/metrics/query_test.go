package metrics

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/vllm"
)

func pinned(string) (string, error) { return "v0.33.0", nil }

func document(t *testing.T, serving string) spec.Target {
	t.Helper()
	text := `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  serving: ` + serving + `
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "pvc://models/m"}
  accelerator: {type: a10g}
  revisions:
  - {name: v1, runtime: {version: v0.10.0}}
  - {name: v2, runtime: {image: "registry.example.com/vllm-openai:v0.11.0"}}
  - {name: v3}
  - {name: v4, runtime: {image: "registry.example.com/own:1"}}
  traffic:
  - {revision: v1, weight: 25}
  - {revision: v2, weight: 25}
  - {revision: v3, weight: 25}
  - {revision: v4, weight: 25}
  environments:
  - {name: production}
`
	loaded, err := spec.Load("document.yaml", strings.NewReader(text))
	require.NoError(t, err)
	return loaded[0].Environments[0]
}

// TestOf: a revision is known by the labels of its pods and the name of its Service, whatever serves it, and its metrics have the
// names of the release that its image names.
func TestOf(t *testing.T) {
	t.Parallel()
	for serving, host := range map[string]string{
		spec.ServingInferenceService:    "m-v1-predictor.llm.svc.cluster.local",
		spec.ServingLLMInferenceService: "m-v1-kserve-workload-svc.llm.svc.cluster.local",
	} {
		target := document(t, serving)
		r, err := Of(target, target.Revisions[0], pinned)
		require.NoError(t, err)
		assert.Equal(t, host, r.Host)
		assert.Equal(t, `namespace="llm", kservegen_dev_model="m", kservegen_dev_revision="v1"`, r.pods())
	}
	target := document(t, spec.ServingInferenceService)
	for i, want := range []string{
		"vllm:time_per_output_token_seconds_bucket", // 0.10.0
		"vllm:inter_token_latency_seconds_bucket",   // 0.11.0, which has both
		"vllm:inter_token_latency_seconds_bucket",   // what the catalogue pins
		"vllm:inter_token_latency_seconds_bucket",   // an image that says nothing: the newest
	} {
		r, err := Of(target, target.Revisions[i], pinned)
		require.NoError(t, err)
		query, err := r.own("_bucket", "le", "inter_token_latency_seconds", "time_per_output_token_seconds")
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(query, "sum by (pod, le) ("+want+"{"), query)
	}
}

func releaseNamed(t *testing.T, version string) *vllm.Release {
	t.Helper()
	release, ok, err := vllm.Find("v" + version)
	require.NoError(t, err)
	require.True(t, ok, version)
	return release
}

// TestEveryRelease has each thing that is asked for under some name, without a flag that brings it back.
func TestEveryRelease(t *testing.T) {
	t.Parallel()
	table, err := catalog.VLLMReleases()
	require.NoError(t, err)
	require.Greater(t, len(table.Releases), 30)
	for _, version := range table.Releases {
		r := Revision{Name: "v1", Model: "m", Namespace: "llm", Release: releaseNamed(t, version)}
		for _, names := range [][]string{
			{"request_success"}, {"num_preemptions"}, {"time_to_first_token_seconds"}, {"inter_token_latency_seconds", "time_per_output_token_seconds"},
			{"request_queue_time_seconds"}, {"request_generation_tokens"}, {"request_decode_time_seconds"}, {"kv_cache_usage_perc", "gpu_cache_usage_perc"},
		} {
			_, missing := r.names(names...)
			require.NoError(t, missing, version)
		}
	}
	_, err = Revision{Name: "v1", Release: releaseNamed(t, "0.9.0")}.names("inter_token_latency_seconds")
	require.ErrorContains(t, err, "revision v1: vLLM has none of inter_token_latency_seconds")
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	r := Revision{Name: "v2", Model: "m", Namespace: "llm", Host: "m-v2-predictor.llm.svc.cluster.local"}
	for profile, want := range map[Profile]string{
		Istio: `sum by (pod, reporter, response_code) (istio_requests_total{destination_service="m-v2-predictor.llm.svc.cluster.local"})`,
		Envoy: `sum by (pod, response_code_class) (envoy_cluster_upstream_rq{cluster_name=~"outbound\\|[0-9]+\\|[^|]*\\|m-v2-predictor\\.llm\\.svc\\.cluster\\.local;?", response_code_class=~".+"})`,
		VLLM:  `sum by (pod, status) (http_requests_total{namespace="llm", kservegen_dev_model="m", kservegen_dev_revision="v2", handler=~"/v1/.*"})`,
	} {
		query, _, err := profile.answers(r)
		require.NoError(t, err)
		assert.Equal(t, want, query)
		assert.True(t, profile.Known())
	}
	_, _, err := Profile("linkerd").answers(r)
	require.ErrorContains(t, err, "no profile")
}
