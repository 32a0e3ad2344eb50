package scaling

import (
	"regexp"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func v(minor, patch int) rule.Version { return rule.Version{Minor: minor, Patch: patch} }

// span is the releases of vLLM that export a metric; until is the first without it, zero where it is there still.
type span struct{ since, until rule.Version }

// exported are vLLM's metrics without prefix and suffix, as its releases 0.8.5 to 0.33.0 register them
// (vllm/v1/metrics/loggers.py). One that is hidden behind a flag is gone.
func exported() map[string]span {
	always := []string{
		"time_to_first_token_seconds", "e2e_request_latency_seconds", "request_queue_time_seconds", "request_decode_time_seconds",
		"request_inference_time_seconds", "request_prefill_time_seconds", "request_generation_tokens", "request_prompt_tokens",
		"request_max_num_generation_tokens", "request_params_max_tokens", "request_params_n", "request_success",
		"num_requests_running", "num_requests_waiting", "num_preemptions", "generation_tokens", "prompt_tokens", "iteration_tokens",
		"lora_requests_info", "cache_config_info",
	}
	spans := map[string]span{
		"time_per_output_token_seconds":         {until: v(12, 0)},
		"inter_token_latency_seconds":           {since: v(10, 2)},
		"request_time_per_output_token_seconds": {since: v(11, 0)},
		"gpu_cache_usage_perc":                  {until: v(11, 0)},
		"gpu_prefix_cache_hits":                 {until: v(11, 0)},
		"gpu_prefix_cache_queries":              {until: v(11, 0)},
		"kv_cache_usage_perc":                   {since: v(9, 2)},
		"prefix_cache_hits":                     {since: v(9, 2)},
		"prefix_cache_queries":                  {since: v(9, 2)},
		"external_prefix_cache_hits":            {since: v(11, 1)},
		"external_prefix_cache_queries":         {since: v(11, 1)},
		"engine_sleep_state":                    {since: v(11, 1)},
		"corrupted_requests":                    {since: v(11, 1)},
		"mm_cache_hits":                         {since: v(11, 1)},
		"mm_cache_queries":                      {since: v(11, 1)},
		"request_prefill_kv_computed_tokens":    {since: v(13, 0)},
		"prompt_tokens_by_source":               {since: v(16, 0)},
		"prompt_tokens_cached":                  {since: v(16, 0)},
		"num_requests_waiting_by_reason":        {since: v(20, 2)},
		"request_num_preemptions":               {since: v(30, 0)},
		"admission_rejections":                  {since: v(32, 0)},
		"num_requests_swapped":                  {until: v(9, 2)},
		"cpu_cache_usage_perc":                  {until: v(9, 2)},
	}
	for _, name := range always {
		spans[name] = span{}
	}
	return spans
}

// optional begins the names of features and connectors, which come and go too fast for a list.
var optional = regexp.MustCompile(`^(spec_decode|nixl|mooncake|hf3fs|hisparse|kv_offload|kv_block|simple_kv|umbp|websocket|sleep_mode|rl_|iteration|estimated|watermark|num_requests_kv|diffusion)`)

var metricName = regexp.MustCompile(`\bvllm[:_]([a-z0-9_]+)`)

func unknownMetric() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0511", Name: "metric-not-exported", Level: finding.Error,
			Summary: "An autoscaler scales on a metric that its vLLM exports.",
			Why: "vLLM renames metrics between minor releases: the old name is deprecated, hidden one release later and gone after that. " +
				"An autoscaler on a metric that nobody exports never scales, and says so only in its status.",
			How:   "Use a metric of that release: num_requests_waiting and kv_cache_usage_perc are there from 0.9.2 on.",
			Refs:  []string{"vllm: docs/usage/metrics", "vllm: vllm/v1/metrics/loggers.py"},
			Kinds: rule.WorkloadKinds(rule.HorizontalPodAutoscaler, rule.ScaledObject),
		},
		Check: func(c *rule.Context) {
			for _, autoscaler := range autoscalers(c) {
				workload := target(c, autoscaler)
				for metric := range autoscaler.Field("spec", "metrics").Items() {
					checkMetric(c, workload, metric.Field("pods", "metric", "name"))
					checkMetric(c, workload, metric.Field("external", "metric", "name"))
				}
				for trigger := range autoscaler.Field("spec", "triggers").Items() {
					checkMetric(c, workload, trigger.Field("metadata", "query"))
				}
			}
			for _, workload := range c.Workloads() {
				for metric := range workload.Pod.Field("autoScaling", "metrics").Items() {
					checkMetric(c, workload, metric.Field("external", "metric", "query"))
					checkMetric(c, workload, metric.Field("podmetric", "metric", "query"))
				}
			}
		},
	}
}

func checkMetric(c *rule.Context, workload *rule.Workload, text rule.Value) {
	var version rule.Version
	if workload != nil && len(workload.Containers) > 0 {
		version, _ = rule.VLLMVersion(workload.Containers[0])
	}
	for _, match := range metricName.FindAllStringSubmatch(text.Text(), -1) {
		name := match[1]
		for _, suffix := range []string{"_total", "_bucket", "_sum", "_count", "_created"} {
			name = strings.TrimSuffix(name, suffix)
		}
		known, ok := exported()[name]
		switch {
		case optional.MatchString(name):
		case !ok:
			c.Report(text, "no release of vLLM exports vllm:%s", name)
		case version == (rule.Version{}):
			if known.until != (rule.Version{}) {
				c.Report(text, "vLLM exports no vllm:%s from %s on", name, known.until)
			}
		case known.since != (rule.Version{}) && version.Before(known.since) || known.until != (rule.Version{}) && !version.Before(known.until):
			c.Report(text, "vLLM %s exports no vllm:%s", version, name)
		}
	}
}

var (
	aggregation = regexp.MustCompile(`\b(sum|avg|max|min|count|histogram_quantile|quantile|scalar)\b`)
	selection   = regexp.MustCompile(`\{[^}]*(namespace|service|pod|deployment|job|model_name|kservegen_dev|isvc|inferenceservice)[^}]*\}`)
)

func unscopedQuery() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0505", Name: "query-of-every-model", Level: finding.Warning,
			Summary: "KEDA's query selects one model and gives one number.",
			Why: "Prometheus holds the series of all models and pods. Without labels the query counts other models' requests too; without an aggregation it returns one element per pod, " +
				"and KEDA reports an error for more than one.",
			How:   "Aggregate with sum() and select by namespace and by pod, service or model.",
			Refs:  []string{"keda: docs/scalers/prometheus", "kserve#4645"},
			Kinds: rule.PredictorKinds(rule.ScaledObject),
		},
		Check: func(c *rule.Context) {
			for _, scaled := range c.Objects(rule.ScaledObject) {
				for trigger := range scaled.Field("spec", "triggers").Items() {
					if trigger.Field("type").Text() == "prometheus" {
						checkQuery(c, trigger.Field("metadata", "query"))
					}
				}
			}
			for _, p := range c.Predictors() {
				for metric := range p.Spec.Field("autoScaling", "metrics").Items() {
					// KServe itself adds the selection to queries of OpenTelemetry.
					if external := metric.Field("external", "metric"); external.Field("backend").Text() == "prometheus" {
						checkQuery(c, external.Field("query"))
					}
				}
			}
		},
	}
}

func checkQuery(c *rule.Context, query rule.Value) {
	text := query.Text()
	switch {
	case text == "" || !metricName.MatchString(text):
	case !selection.MatchString(text):
		c.Report(query, "the query sums the series of every model that Prometheus knows")
	case !aggregation.MatchString(text):
		c.Report(query, "the query returns one element per pod, and KEDA takes one in all")
	}
}
