package observe

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/vllm"
)

// shownWindow is Grafana's: four collections, or what a point of the graph stands for.
const shownWindow = "$__rate_interval"

// chosen selects the revisions that are chosen at the top.
func (q queries) chosen() string { return q.revision + `=~"$revision"` }

// shownRate is the rate of the chosen revisions.
func (q queries) shownRate(measure vllm.Measure, part string) string {
	return q.rate(measure, part, shownWindow, q.chosen())
}

func (q queries) shownGauge(measure vllm.Measure) string {
	return q.either(measure, func(name string) string { return name + q.selector(q.chosen()) })
}

func (q queries) shownQuantile(share float64, measure vllm.Measure) string {
	return fmt.Sprintf("histogram_quantile(%s, %s)", number(share), q.by("sum", q.shownRate(measure, histogramBucket), "le"))
}

func (q queries) shownMean(measure vllm.Measure) string {
	return q.by("sum", q.shownRate(measure, histogramSum)) + " / " + q.by("sum", q.shownRate(measure, histogramCount))
}

// all is an expression by revision, summed: what the model does as a whole.
func all(expression string) string { return "sum(" + expression + ")" }

func (q queries) sections() []section {
	sections := []section{
		{"Overview", q.overview()},
		{"Revision against revision", q.comparison()},
		{"Inside the servers", q.inside()},
	}
	if q.nvidia() {
		sections = append(sections, section{"Devices (dcgm-exporter)", q.deviceGraphs()})
	}
	return sections
}

// overview is what callers notice, of all chosen revisions together.
func (q queries) overview() []graph {
	answered := q.answered(shownWindow, q.chosen())
	failed := q.answered(shownWindow, `response_code=~"5.."`, q.chosen())
	_, ready, label := q.controllers()
	pattern := q.target.Workload(".+").Name
	return []graph{
		{"Requests", "By the status of the answer; 0 is a caller that went away.", "reqps", false, []legendQuery{
			{"{{response_code}}", "sum by (response_code) (" + answered + ")"},
		}},
		{"Failed requests", "Share of the answers that were 5xx. A stream that breaks later was 200.", "percentunit", true, []legendQuery{
			{"5xx", "(" + all(failed) + " or vector(0)) / " + all(answered)},
		}},
		{"Without an answer from a pod", "What gateways and callers got instead, by Envoy's flag: UH no replica is ready, UF none can be reached, UO too many at once, UC the connection broke. Where gateways are collected.", "reqps", false, []legendQuery{
			{"{{destination_service_name}} {{response_flags}}", fmt.Sprintf(`sum by (destination_service_name, response_flags) (rate(%s{%s, destination_service_namespace=%q, destination_service_name=~%q}[%s]))`,
				istioRequests, flags, q.target.Namespace, q.target.Predictor(".+"), shownWindow)},
		}},
		{"Time to first token", "Of all revisions.", "s", false, []legendQuery{
			{"p50", q.together(0.5, vllm.FirstToken)}, {"p95", q.together(0.95, vllm.FirstToken)}, {"p99", q.together(0.99, vllm.FirstToken)},
		}},
		{"Time between tokens", "Of all revisions.", "s", false, []legendQuery{
			{"p50", q.together(0.5, vllm.BetweenTokens)}, {"p95", q.together(0.95, vllm.BetweenTokens)}, {"p99", q.together(0.99, vllm.BetweenTokens)},
		}},
		{"Tokens", "", "short", false, []legendQuery{
			{"prompt", all(q.shownRate(vllm.PromptTokens, ""))}, {"generated", all(q.shownRate(vllm.GenerationTokens, ""))},
		}},
		{"Requests in the servers", "", "short", false, []legendQuery{
			{"running", all(q.shownGauge(vllm.Running))}, {"waiting", all(q.shownGauge(vllm.Waiting))},
		}},
		{"Replicas that are ready", "By kube-state-metrics.", "short", false, []legendQuery{
			{"{{" + label + "}}", fmt.Sprintf("max by (%s) (%s{namespace=%q, %s=~%q})", label, ready, q.target.Namespace, label, pattern)},
		}},
	}
}

// together is a quantile over all chosen revisions.
func (q queries) together(share float64, measure vllm.Measure) string {
	return fmt.Sprintf("histogram_quantile(%s, sum by (le) (%s))", number(share), q.shownRate(measure, histogramBucket))
}

// comparison is the same by revision, and what else a canary is judged by.
func (q queries) comparison() []graph {
	answered := q.by("sum", q.answered(shownWindow, q.chosen()))
	failed := q.by("sum", q.answered(shownWindow, `response_code=~"5.."`, q.chosen()))
	legend := "{{" + q.revision + "}}"
	of := func(query string) []legendQuery { return []legendQuery{{legend, query}} }
	return []graph{
		{"Share of the requests", "What arrives: weights, testers and mirrors together.", "percentunit", true, of(answered + " / on () group_left () sum(" + q.answered(shownWindow, q.chosen()) + ")")},
		{"Failed requests", "Share of its answers that were 5xx.", "percentunit", true, of("(" + failed + " or " + answered + " * 0) / " + answered)},
		{"Time to first token, p95", "A new revision has an empty prefix cache at first.", "s", false, of(q.shownQuantile(gateQuantile, vllm.FirstToken))},
		{"Time between tokens, p95", "", "s", false, of(q.shownQuantile(gateQuantile, vllm.BetweenTokens))},
		{"Tokens of an answer", "Mean. A revision that says more takes longer and costs more.", "short", false, of(q.shownMean(vllm.AnswerTokens))},
		{"How answers end", "Share by reason: length is an answer that was cut, abort a caller that went away.", "percentunit", true, []legendQuery{
			{legend + " {{finished_reason}}", q.by("sum", q.shownRate(vllm.Finished, ""), "finished_reason") + fmt.Sprintf(" / on (%s) group_left () ", q.revision) + q.by("sum", q.shownRate(vllm.Finished, ""))},
		}},
	}
}

// inside is what the servers are busy with, by revision.
func (q queries) inside() []graph {
	legend := "{{" + q.revision + "}}"
	of := func(query string) []legendQuery { return []legendQuery{{legend, query}} }
	return []graph{
		{"KV cache", "Share of the blocks in use, mean of the replicas.", "percentunit", true, of(q.by("avg", q.shownGauge(vllm.CacheUsage)))},
		{"Waiting per replica", "What an autoscaler goes by.", "short", false, of(q.by("avg", q.by("sum", q.shownGauge(vllm.Waiting), "pod")))},
		{"Time in the queue, p95", "", "s", false, of(q.shownQuantile(gateQuantile, vllm.Queue))},
		{"Preemptions", "Requests that lost their blocks and are computed again.", "short", false, of(q.by("sum", q.shownRate(vllm.Preemptions, "")))},
		{"Prefix cache", "Share of the prompts' tokens that were there already.", "percentunit", true, of(q.by("sum", q.shownRate(vllm.PrefixHits, "")) + " / " + q.by("sum", q.shownRate(vllm.PrefixQueries, "")))},
		{"Generated tokens per replica", "", "short", false, of(q.by("avg", q.by("sum", q.shownRate(vllm.GenerationTokens, ""), "pod")))},
	}
}

func (q queries) deviceGraphs() []graph {
	const legend = "{{pod}} GPU {{gpu}}"
	return []graph{
		{"Utilization", "Share of the time in which the GPU did anything.", "percent", false, []legendQuery{{legend, q.ofDevices(gpuUtilization, anyRevision)}}},
		{"Memory in use", "", "mbytes", false, []legendQuery{{legend, q.ofDevices(gpuMemory, anyRevision)}}},
		{"Last Xid", "0 is none; https://docs.nvidia.com/deploy/xid-errors.", "short", false, []legendQuery{{legend, q.ofDevices(gpuErrors, anyRevision)}}},
	}
}
