package observe

import (
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/vllm"
)

// Recorded series, by revision. Alerts are made of them, and a gate for a canary can be. late is what took longer than its objective.
const (
	requestsRate   = "llm_revision:requests:rate5m"
	failedRate     = "llm_revision:requests_failed:rate5m"
	firstRate      = "llm_revision:first_tokens:rate5m"
	firstLateRate  = "llm_revision:first_tokens_late:rate5m"
	tokensRate     = "llm_revision:tokens:rate5m"
	tokensLateRate = "llm_revision:tokens_late:rate5m"

	requestsIncrease = "llm_revision:requests:increase30m"
	failedRatio      = "llm_revision:requests_failed:ratio30m"
	answersIncrease  = "llm_revision:first_tokens:increase30m"
	firstQuantile    = "llm_revision:time_to_first_token_seconds:p95_30m"
	betweenQuantile  = "llm_revision:time_between_tokens_seconds:p95_30m"
)

const (
	// interval at which rules are computed, in seconds: two collections of the PodMonitor. Sums of recorded rates times this are counts.
	interval = 30
	// rateWindow holds twenty collections of the PodMonitor.
	rateWindow = "5m"
	// gateWindow is what revisions are compared over: long enough for requests of a small share, and short enough for a rollout.
	gateWindow = "30m"
	// gateQuantile is what a revision is judged by: p99 takes ten times the requests.
	gateQuantile = 0.95
)

// records are the recording rules. A counter that is not there yet is none, and a ratio of nothing is nothing: what sleeps makes no
// alert.
func (q queries) records(o spec.Objectives) []monitoringv1.Rule {
	nobody := fmt.Sprintf("%s%s * 0", requestsRate, q.selector())
	return []monitoringv1.Rule{
		q.record(requestsRate, q.received(rateWindow)),
		q.record(failedRate, q.received(rateWindow, `response_code=~"5.."`)+fmt.Sprintf("\nor on (%s) %s", q.revision, nobody)),
		q.record(firstRate, q.by("sum", q.rate(vllm.FirstToken, histogramCount, rateWindow))),
		q.record(firstLateRate, q.late(vllm.FirstToken, o.TTFT)),
		q.record(tokensRate, q.by("sum", q.rate(vllm.BetweenTokens, histogramCount, rateWindow))),
		q.record(tokensLateRate, q.late(vllm.BetweenTokens, o.ITL)),
		q.record(requestsIncrease, fmt.Sprintf("%d * sum_over_time(%s%s[%s])", interval, requestsRate, q.selector(), gateWindow)),
		q.record(failedRatio, fmt.Sprintf("sum_over_time(%s%s[%s]) / sum_over_time(%s%s[%s])", failedRate, q.selector(), gateWindow, requestsRate, q.selector(), gateWindow)),
		q.record(answersIncrease, q.by("sum", q.over("increase", vllm.FirstToken, histogramCount, gateWindow))),
		q.record(firstQuantile, q.quantile(gateQuantile, vllm.FirstToken, gateWindow)),
		q.record(betweenQuantile, q.quantile(gateQuantile, vllm.BetweenTokens, gateWindow)),
	}
}

// late is the rate of what took longer than a limit.
func (q queries) late(measure vllm.Measure, objective spec.Text) string {
	all := q.by("sum", q.rate(measure, histogramCount, rateWindow))
	kept := q.by("sum", q.rate(measure, histogramBucket, rateWindow, limit(spec.Seconds(objective))))
	return all + "\n- " + kept
}

// record gives a series the labels that aggregation took off.
func (q queries) record(name, expression string) monitoringv1.Rule {
	return monitoringv1.Rule{Record: name, Expr: intstr.FromString(expression), Labels: q.labels()}
}

// labels are those of the model's own series.
func (q queries) labels() map[string]string {
	return map[string]string{"namespace": q.target.Namespace, q.model: q.target.Name}
}
