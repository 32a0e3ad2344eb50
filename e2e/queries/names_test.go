package queries

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// others are the metrics that vLLM does not export, by who does and where that is written.
func others() map[string]string {
	const (
		istio = "istio.io/latest/docs/reference/config/metrics (Istio's standard metrics)"
		state = "kubernetes/kube-state-metrics: docs/metrics/workload/"
		dcgm  = "NVIDIA/dcgm-exporter: etc/default-counters.csv"
	)
	return map[string]string{
		"up":                            "prometheus.io/docs/concepts/jobs_instances (made by Prometheus for each target)",
		"istio_requests_total":          istio,
		"envoy_server_live":             "envoyproxy/envoy: docs/root/configuration/observability/statistics.rst (server.live)",
		"kube_deployment_spec_replicas": state + "deployment-metrics.md",
		"kube_deployment_status_replicas_available": state + "deployment-metrics.md",
		"kube_statefulset_replicas":                 state + "statefulset-metrics.md",
		"kube_statefulset_status_replicas_ready":    state + "statefulset-metrics.md",
		"DCGM_FI_DEV_XID_ERRORS":                    dcgm,
		"DCGM_FI_DEV_GPU_UTIL":                      dcgm,
		"DCGM_FI_DEV_FB_USED":                       dcgm,
	}
}

// expressions are all that is asked of Prometheus in objects: by rules, panels and autoscalers, and the names that rules record.
func expressions(t *testing.T, objects []map[string]any) (asked []string, recorded map[string]bool) {
	t.Helper()
	recorded = map[string]bool{}
	for _, object := range objects {
		data, err := yaml.Marshal(object["spec"])
		require.NoError(t, err)
		switch object["kind"] {
		case "PrometheusRule":
			var spec struct {
				Groups []struct {
					Rules []struct{ Record, Expr string }
				}
			}
			require.NoError(t, yaml.Unmarshal(data, &spec))
			for _, group := range spec.Groups {
				for _, rule := range group.Rules {
					asked = append(asked, rule.Expr)
					recorded[rule.Record] = true
				}
			}
		case "ScaledObject":
			var spec struct {
				Triggers []struct{ Metadata map[string]string }
			}
			require.NoError(t, yaml.Unmarshal(data, &spec))
			for _, trigger := range spec.Triggers {
				asked = append(asked, trigger.Metadata["query"])
			}
		case "HorizontalPodAutoscaler":
			var spec struct {
				Metrics []struct {
					Pods struct{ Metric struct{ Name string } }
				}
			}
			require.NoError(t, yaml.Unmarshal(data, &spec))
			for _, metric := range spec.Metrics {
				asked = append(asked, metric.Pods.Metric.Name)
			}
		case "ConfigMap":
			for _, panel := range panelsOf(t, object) {
				for _, query := range panel.Targets {
					asked = append(asked, inGraph(query.Expr))
				}
			}
		}
	}
	return asked, recorded
}

// panel has of each panel what the tests read.
type panel struct {
	ID          int
	Title, Type string
	GridPos     struct{ H, W, X, Y int }
	Targets     []struct{ RefID, Expr, LegendFormat string }
}

func panelsOf(t *testing.T, config map[string]any) []panel {
	t.Helper()
	var board struct {
		UID    string
		Panels []panel
	}
	for _, text := range config["data"].(map[string]any) {
		require.NoError(t, json.Unmarshal([]byte(text.(string)), &board))
	}
	require.NotEmpty(t, board.Panels)
	return board.Panels
}

// inGraph fills in what Grafana does: the window of a rate, and all revisions.
func inGraph(expression string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$revision", ".+").Replace(expression)
}

// askedFor are the metrics that an expression asks for.
func askedFor(t *testing.T, expression string) []string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	require.NoError(t, err, expression)
	var list []string
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			list = append(list, selector.Name)
		}
		return nil
	})
	return list
}

// table is what the releases of vLLM export, as kservegen has it.
type table struct {
	Releases []string
	Metrics  []struct {
		Name  string
		Forms []struct{ In, When string }
	}
}

func readTable(t *testing.T) table {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "pkg", "catalog", "data", "vllm.json"))
	require.NoError(t, err)
	var read table
	require.NoError(t, json.Unmarshal(data, &read))
	return read
}

// exports says whether a release has a metric, by the name of a series of it, without a flag or a feature.
func (x table) exports(release, series string) bool {
	base := regexp.MustCompile(`_(total|bucket|sum|count)$`).ReplaceAllString(series, "")
	for _, metric := range x.Metrics {
		if "vllm:"+metric.Name != base && "vllm:"+metric.Name != series {
			continue
		}
		for _, form := range metric.Forms {
			if form.When == "" && x.in(form.In, release) {
				return true
			}
		}
	}
	return false
}

// in reads "..0.10.2", "0.9.2.." and lists of them.
func (x table) in(ranges, release string) bool {
	if ranges == "" {
		return true
	}
	at := slices.Index(x.Releases, release)
	for _, part := range strings.Split(ranges, ",") {
		first, last, isRange := strings.Cut(part, "..")
		if !isRange {
			last = first
		}
		low, high := 0, len(x.Releases)-1
		if first != "" {
			low = slices.Index(x.Releases, first)
		}
		if last != "" {
			high = slices.Index(x.Releases, last)
		}
		if low <= at && at <= high {
			return true
		}
	}
	return false
}

// TestEveryMetricIsKnown: what rules, panels and autoscalers ask for is exported by a vLLM that runs, is recorded by a rule, or stands in
// the list of others.
func TestEveryMetricIsKnown(t *testing.T) {
	vllm, used := readTable(t), map[string]bool{}
	two := func(first, second string) string {
		return fmt.Sprintf("  replicas: {min: 1, max: 2}\n  revisions: [{name: v1, runtime: {version: v%s}}, {name: v2, runtime: {version: v%s}}]\n  traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]", first, second)
	}
	for name, c := range map[string]struct {
		document string
		releases []string
		// has are names that only these releases have.
		has, lacks []string
	}{
		"0.33.0": {
			documentOf("InferenceService", device8B, two("0.33.0", "0.33.0")), []string{"0.33.0"},
			[]string{"vllm:kv_cache_usage_perc", "vllm:inter_token_latency_seconds_bucket", "vllm:prefix_cache_hits_total"},
			[]string{"vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds_bucket"},
		},
		"0.10.0": {
			documentOf("InferenceService", device8B, two("0.10.0", "0.10.0")), []string{"0.10.0"},
			[]string{"vllm:kv_cache_usage_perc", "vllm:time_per_output_token_seconds_bucket"},
			[]string{"vllm:gpu_cache_usage_perc", "vllm:inter_token_latency_seconds_bucket"},
		},
		"0.9.0": {
			documentOf("InferenceService", device8B, two("0.9.0", "0.9.0")), []string{"0.9.0"},
			[]string{"vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds_bucket", "vllm:gpu_prefix_cache_hits_total"},
			[]string{"vllm:kv_cache_usage_perc", "vllm:inter_token_latency_seconds_bucket"},
		},
		"from 0.9.0 to 0.33.0": {
			documentOf("InferenceService", device8B, two("0.9.0", "0.33.0")), []string{"0.9.0", "0.33.0"},
			[]string{"vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc", "vllm:time_per_output_token_seconds_bucket", "vllm:inter_token_latency_seconds_bucket"}, nil,
		},
		"an LLMInferenceService": {documentOf("LLMInferenceService", device8B, fixedReplicas), []string{"0.33.0"}, nil, nil},
		"groups":                 {documentOf("LeaderWorkerSet", twoNodes, fixedReplicas), []string{"0.33.0"}, nil, nil},
		"KEDA":                   {documentOf("InferenceService", device8B, goesToZero), []string{"0.33.0"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			asked, recorded := expressions(t, objectsOf(t, c.document))
			require.Greater(t, len(asked), 50)
			seen := map[string]bool{}
			for _, expression := range asked {
				for _, metric := range askedFor(t, expression) {
					seen[metric], used[metric] = true, true
					switch {
					case strings.HasPrefix(metric, "vllm:"):
						assert.True(t, slices.ContainsFunc(c.releases, func(release string) bool { return vllm.exports(release, metric) }), "no release of %v exports %s", c.releases, metric)
					case strings.HasPrefix(metric, "llm_revision:"):
						assert.True(t, recorded[metric], "no rule records %s", metric)
					default:
						assert.Contains(t, others(), metric)
					}
				}
			}
			for _, metric := range c.has {
				assert.True(t, seen[metric], metric)
			}
			for _, metric := range c.lacks {
				assert.False(t, seen[metric], metric)
			}
		})
	}
	for metric := range others() {
		assert.True(t, used[metric], "nothing asks for %s", metric)
	}
}
