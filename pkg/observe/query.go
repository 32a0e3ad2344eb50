package observe

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/vllm"
)

// Names of metrics of others. TestEveryMetricIsKnown in e2e/queries lists them with their sources.
const (
	istioRequests   = "istio_requests_total"
	gpuErrors       = "DCGM_FI_DEV_XID_ERRORS"
	gpuUtilization  = "DCGM_FI_DEV_GPU_UTIL"
	gpuMemory       = "DCGM_FI_DEV_FB_USED"
	scraped         = "up"
	histogramBucket = "_bucket"
	histogramCount  = "_count"
	histogramSum    = "_sum"
)

// queries composes PromQL about one model.
type queries struct {
	target spec.Target
	names  vllm.Names
	// model and revision are the labels of its series.
	model, revision string
}

func newQueries(t spec.Target) queries {
	return queries{t, t.Metrics(), spec.SeriesLabel(spec.ModelLabel), spec.SeriesLabel(spec.RevisionLabel)}
}

// selector is what all series of the model's pods have, by the labels that the PodMonitor copies from them, and more.
func (q queries) selector(more ...string) string {
	own := []string{fmt.Sprintf("namespace=%q", q.target.Namespace), fmt.Sprintf("%s=%q", q.model, q.target.Name)}
	return "{" + strings.Join(append(own, more...), ", ") + "}"
}

// either is an expression over each name that a metric has in the revisions that run. A pod that exports two of them counts once.
func (q queries) either(measure vllm.Measure, expression func(name string) string) string {
	var list []string
	for _, name := range q.names[measure] {
		list = append(list, expression(name))
	}
	return strings.Join(list, " or ")
}

func (q queries) gauge(measure vllm.Measure) string {
	return q.either(measure, func(name string) string { return name + q.selector() })
}

// over is rate or increase of a counter, or of a part of a histogram, in a window.
func (q queries) over(function string, measure vllm.Measure, part, window string, more ...string) string {
	return q.either(measure, func(name string) string {
		return fmt.Sprintf("%s(%s%s%s[%s])", function, name, part, q.selector(more...), window)
	})
}

func (q queries) rate(measure vllm.Measure, part, window string, more ...string) string {
	return q.over("rate", measure, part, window, more...)
}

// by aggregates over what does not tell revisions apart.
func (q queries) by(aggregation, expression string, more ...string) string {
	labels := strings.Join(append([]string{q.revision}, more...), ", ")
	return fmt.Sprintf("%s by (%s) (%s)", aggregation, labels, expression)
}

// quantile of a histogram, by revision.
func (q queries) quantile(share float64, measure vllm.Measure, window string) string {
	return fmt.Sprintf("histogram_quantile(%s, %s)", number(share), q.by("sum", q.rate(measure, histogramBucket, window), "le"))
}

// answered are the requests that reached a pod of the model, as its own sidecar counts them.
func (q queries) answered(window string, more ...string) string {
	return fmt.Sprintf("rate(%s%s[%s])", istioRequests, q.selector(append([]string{`reporter="destination"`}, more...)...), window)
}

// received are the requests that a revision got, whoever answered them; more selects those that a pod counted.
func (q queries) received(window string, more ...string) string {
	counted := "\n  " + q.answered(window, more...) + "\n"
	if refused := q.unanswered(window); refused != "" {
		counted += "  or\n  " + refused + "\n"
	}
	return q.by("sum", counted)
}

// flags are Envoy's for requests that no pod counted: there was no ready one (UH), none could be reached (UF), too many were on their way
// (UO), or the connection broke (UC). docs/root/configuration/observability/access_log/usage.rst in Envoy (%RESPONSE_FLAGS%).
const flags = `reporter="source", response_code=~"5..", response_flags=~".*(UH|UF|UO|UC).*"`

// unanswered are the requests that a gateway or a caller's sidecar sent to a revision and that no pod of it counted. Their labels come from
// the Service, and the revision is made of its name. What goes to zero is left out, which answers so while it wakes; empty where all do.
func (q queries) unanswered(window string) string {
	awake := q.revisionNames(func(r spec.RevisionTarget) bool { return r.MinReplicas > 0 })
	if awake == "" {
		return ""
	}
	service := strings.Join([]string{q.target.Predictor("(" + awake + ")"), q.target.Namespace, "svc", "cluster", "local"}, `\.`)
	return fmt.Sprintf("label_replace(rate(%s{%s, destination_service=~%q}[%s]), %q, \"$1\", \"destination_service\", %q)",
		istioRequests, flags, service, window, q.revision, service)
}

// revisionNames is a pattern of the revisions that run, or of those that are wanted; empty for none.
func (q queries) revisionNames(wanted func(spec.RevisionTarget) bool) string {
	var names []string
	for _, r := range q.target.Revisions {
		if wanted == nil || wanted(r) {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, "|")
}

// limit selects the bucket of a histogram that ends at so many seconds. Prometheus 3 writes 5 as 5.0, as vLLM does, other exporters and
// older ones 5.
func limit(seconds float64) string {
	text := number(seconds)
	if !strings.Contains(text, ".") {
		return fmt.Sprintf(`le=~"%s(\\.0)?"`, text)
	}
	return fmt.Sprintf("le=%q", text)
}

// number writes what is left of a calculation with decimal fractions without the noise of binary ones.
func number(n float64) string {
	const digits = 1e9
	return strconv.FormatFloat(math.Round(n*digits)/digits, 'f', -1, 64)
}

// minutes is a duration as Prometheus writes it, rounded up.
func minutes(d time.Duration) string {
	return fmt.Sprintf("%dm", int((d+time.Minute-1)/time.Minute))
}
