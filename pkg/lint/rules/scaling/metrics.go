package scaling

import (
	"regexp"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/vllm"
)

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
	release := releaseOf(workload)
	for _, match := range metricName.FindAllStringSubmatch(text.Text(), -1) {
		if why, err := vllm.JudgeMetric(release, match[1]); err == nil && why != "" {
			c.Report(text, "%s", why)
		}
	}
}

// releaseOf is the release of vLLM that a workload runs, nil where it is not known.
func releaseOf(workload *rule.Workload) *vllm.Release {
	if workload == nil || len(workload.Containers) == 0 {
		return nil
	}
	release, ok, err := vllm.FromImage(workload.Containers[0].Field("image").Text())
	if err != nil || !ok {
		return nil
	}
	return release
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
