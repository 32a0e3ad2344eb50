package spec

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kservegen/kservegen/pkg/vllm"
)

// Alerts are about what callers notice, measured against objectives, and about what makes them notice it soon.
type Alerts struct {
	SLO *Objectives `json:"slo,omitempty"`
	// Labels of every alert, by which an Alertmanager sends it to somebody: team, for example. severity is critical for what
	// should wake somebody, else warning, and is not set here. Default: none.
	Labels map[string]Text `json:"labels,omitempty"`
	// Runbook is a URL below which each alert has a page of its name. Default: docs/watching.md of kservegen.
	Runbook string `json:"runbook,omitempty"`
}

// Objectives say how well is well enough, over 30 days.
type Objectives struct {
	// TTFT is the time to the first token, which latency percent of the requests keep to. It has to be a limit of a bucket of
	// vLLM's histogram. Default: 2.5s.
	TTFT Text `json:"ttft,omitempty"`
	// ITL is the time between two tokens, which latency percent of the tokens keep to; a limit of a bucket, too. Default: 100ms.
	ITL Text `json:"itl,omitempty"`
	// Latency in percent, from 50 to below 100. Default: 95.
	Latency Text `json:"latency,omitempty"`
	// Availability is the percentage of the requests that are not answered with 5xx, from 50 to below 100. Default: 99.5.
	Availability Text `json:"availability,omitempty"`
}

// Dashboard is one of Grafana's.
type Dashboard struct {
	// Namespace of the ConfigMap, which Grafana's sidecar has to search. Default: the model's; kube-prometheus-stack searches all.
	Namespace string `json:"namespace,omitempty"`
	// Folder in Grafana, where its sidecar is told to read the annotation grafana_folder (sidecar.dashboards.folderAnnotation of
	// its Helm chart). Default: Grafana's own.
	Folder string `json:"folder,omitempty"`
}

// Objectives where the document gives none. The times are the limits of buckets that come next after what MLPerf wants of
// DeepSeek-R1 under load, 2 s and 80 ms (mlcommons/inference_policies: inference_rules.adoc, Server); there of 99 percent of a
// data set, and what users send is more mixed. Availability leaves three and a half hours of a month.
const (
	defaultTTFT         = "2.5s"
	defaultITL          = "100ms"
	defaultLatency      = "95"
	defaultAvailability = "99.5"
)

// leastObjective is where a burn rate of 14.4 could still be reached by an objective that means something.
const leastObjective = 50

// bucketsFlag changes the limits of the buckets.
const bucketsFlag = "custom-histogram-buckets"

// alertLabel is a label's name as Alertmanager 0.27 and older know it.
var alertLabel = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// Seconds of a time that passed the checks.
func Seconds(text Text) float64 {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return 0
	}
	return d.Seconds()
}

// Budget is the share, from 0 to 1, that an objective in percent leaves.
func Budget(percent Text) float64 {
	n, err := strconv.ParseFloat(string(percent), 64)
	if err != nil {
		return 0
	}
	const digits = 1e9 // of what is left of 99.9, which binary fractions are not
	return math.Round((1-n/100)*digits) / digits
}

// Watched reports whether alerts or a dashboard ask for metrics.
func (m Monitoring) Watched() bool { return m.Alerts != nil || m.Dashboard != nil }

// checkWatching checks what watches, and fills in what it leaves open.
func (r *resolver) checkWatching() {
	m := &r.spec.Monitoring
	r.checkMonitorLabels(m.Labels)
	if m.Alerts != nil {
		r.checkAlerts(m.Alerts)
	}
	if m.Dashboard == nil {
		return
	}
	m.Dashboard.Namespace = cmp.Or(m.Dashboard.Namespace, r.m.Namespace)
	if !namespaceName.MatchString(m.Dashboard.Namespace) {
		r.failf("spec.monitoring.dashboard.namespace", "%q is not a namespace's name", m.Dashboard.Namespace)
	}
}

func (r *resolver) checkMonitorLabels(labels map[string]Text) {
	own := Target{Name: r.m.Name}.Labels(ComponentMonitoring)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		path := "spec.monitoring.labels." + name
		if problems := slices.Concat(validation.IsQualifiedName(name), validation.IsValidLabelValue(string(labels[name]))); len(problems) > 0 {
			r.failf(path, "is no label: %s", strings.Join(problems, "; "))
		}
		if _, taken := own[name]; taken {
			r.failf(path, "is a label that kservegen sets; choose another")
		}
	}
}

func (r *resolver) checkAlerts(a *Alerts) {
	const path = "spec.monitoring.alerts"
	if a.SLO == nil {
		a.SLO = &Objectives{}
	}
	o := a.SLO
	o.TTFT, o.ITL = cmp.Or(o.TTFT, defaultTTFT), cmp.Or(o.ITL, defaultITL)
	o.Latency, o.Availability = cmp.Or(o.Latency, defaultLatency), cmp.Or(o.Availability, defaultAvailability)
	r.checkLimit(path+".slo.ttft", o.TTFT, vllm.FirstToken)
	r.checkLimit(path+".slo.itl", o.ITL, vllm.BetweenTokens)
	r.checkPercent(path+".slo.latency", o.Latency)
	r.checkPercent(path+".slo.availability", o.Availability)
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		if !alertLabel.MatchString(name) {
			r.failf(path+".labels."+name, "%q is no label of a series; use letters, digits and _", name)
		}
		if IsAlertLabel(name) {
			r.failf(path+".labels."+name, "is a label that every alert has already")
		}
	}
	if u, err := url.Parse(a.Runbook); a.Runbook != "" && (err != nil || u.Host == "") {
		r.failf(path+".runbook", "%q is not a URL such as https://runbooks.example.com/llm", a.Runbook)
	}
}

// IsAlertLabel reports whether a label is one that every alert has, or that comes with what it is about.
func IsAlertLabel(name string) bool { return slices.Contains(alertLabels(), name) }

// alertLabels are those that alerts have of their own.
func alertLabels() []string {
	return []string{"alertname", "namespace", "severity", SeriesLabel(ModelLabel), SeriesLabel(RevisionLabel)}
}

// checkLimit wants a time that vLLM's histogram can tell: requests are counted by bucket.
func (r *resolver) checkLimit(path string, text Text, measure vllm.Measure) {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		r.failf(path, "want a duration such as 500ms or 2.5s, got %q", text)
		return
	}
	edges := vllm.Edges(measure)
	if _, own := r.spec.Runtime.Args[bucketsFlag]; own || slices.Contains(edges, d.Seconds()) {
		return
	}
	var near []string
	at, _ := slices.BinarySearch(edges, d.Seconds())
	for _, edge := range edges[max(0, at-1):min(len(edges), at+1)] {
		near = append(near, time.Duration(math.Round(edge*float64(time.Second))).String())
	}
	r.failf(path, "%s is no limit of a bucket of vLLM's histogram, which counts what is faster than %s", text, strings.Join(near, " or "))
}

func (r *resolver) checkPercent(path string, text Text) {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n >= leastObjective && n < 100) {
		r.failf(path, "want a percentage from %d to below 100, got %q", leastObjective, text)
	}
}

// watchedMetrics are what the revision's vLLM calls what alerts and dashboards ask for.
func (r *resolver) watchedMetrics() vllm.Names {
	if !r.spec.Monitoring.Watched() {
		return nil
	}
	names, err := vllm.NamesIn(r.release())
	if err != nil {
		r.failf("spec.monitoring", "%v", err)
	}
	return names
}

// Metrics are what the revisions that run call what is watched.
func (t Target) Metrics() vllm.Names {
	all := vllm.Names{}
	for _, r := range t.Revisions {
		all.Add(r.Metrics)
	}
	return all
}

// AlertURL is the page of an alert.
func (a Alerts) AlertURL(name string) string {
	if a.Runbook == "" {
		return fmt.Sprintf("https://github.com/kservegen/kservegen/blob/main/docs/watching.md#%s", strings.ToLower(name))
	}
	return strings.TrimSuffix(a.Runbook, "/") + "/" + name
}
