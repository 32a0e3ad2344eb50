package importer

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// watching adds to spec.monitoring what a tree of ours says of alerts, a dashboard, and the labels by which a Prometheus selects.
func (s *scene) watching(monitoring map[string]any) {
	if len(s.workloads) == 0 || !s.ours() {
		return
	}
	s.each("PodMonitor", monitoringGroup, func(r *manifest.Resource) { s.selectedBy(monitoring, r) })
	s.each("PrometheusRule", monitoringGroup, func(r *manifest.Resource) {
		if s.aboutUs(r) {
			s.selectedBy(monitoring, r)
			put(monitoring, alerts(r), "alerts")
		}
	})
	s.each("ConfigMap", "v1", func(r *manifest.Resource) {
		if !s.isDashboard(r) {
			return
		}
		dashboard := map[string]any{}
		if r.Namespace() != s.workloads[0].object.Namespace() {
			put(dashboard, r.Namespace(), "namespace")
		}
		put(dashboard, text(dig(r.Data, "metadata", "annotations", "grafana_folder")), "folder")
		put(monitoring, dashboard, "dashboard")
	})
}

const monitoringGroup = "monitoring.coreos.com/"

// aboutUs says whether an object of ours is about the model as a whole.
func (s *scene) aboutUs(r *manifest.Resource) bool {
	return len(s.workloads) > 0 && text(dig(r.Data, "metadata", "labels", spec.ModelLabel)) == s.workloads[0].podLabels()[spec.ModelLabel] &&
		text(dig(r.Data, "metadata", "labels", spec.ModelLabel)) != ""
}

func (s *scene) isDashboard(r *manifest.Resource) bool {
	return s.aboutUs(r) && dig(r.Data, "metadata", "labels", "grafana_dashboard") != nil
}

// selectedBy infers the labels that are none of ours.
func (s *scene) selectedBy(monitoring map[string]any, r *manifest.Resource) {
	if !s.aboutUs(r) {
		return
	}
	own := spec.Target{Name: s.workloads[0].model}.Labels(spec.ComponentMonitoring)
	for name, value := range textMap(dig(r.Data, "metadata", "labels")) {
		if _, known := own[name]; !known {
			put(monitoring, value, "labels", name)
		}
	}
}

var (
	burnOf  = regexp.MustCompile(`> 14\.4 \* ([0-9.]+)`)
	limitOf = regexp.MustCompile(`le=~?"([0-9.]+)`)
)

// alerts infers what a PrometheusRule of ours was made of.
func alerts(r *manifest.Resource) map[string]any {
	found := map[string]any{}
	for _, group := range items(dig(r.Data, "spec", "groups")) {
		for _, rule := range items(dig(group, "rules")) {
			expression := text(dig(rule, "expr"))
			switch text(dig(rule, "record")) {
			case "llm_revision:first_tokens_late:rate5m":
				put(found, seconds(limitOf.FindStringSubmatch(expression)), "slo", "ttft")
			case "llm_revision:tokens_late:rate5m":
				put(found, seconds(limitOf.FindStringSubmatch(expression)), "slo", "itl")
			}
			if name := text(dig(rule, "alert")); name != "" {
				putAlert(found, name, rule)
			}
		}
	}
	return found
}

// putAlert puts what one alert tells of the objectives, the runbook and the labels.
func putAlert(found map[string]any, name string, rule any) {
	objective := objectiveOf(burnOf.FindStringSubmatch(text(dig(rule, "expr"))))
	if name == "LLMAvailabilityBurn" {
		put(found, objective, "slo", "availability")
	} else {
		put(found, objective, "slo", "latency")
	}
	page := text(dig(rule, "annotations", "runbook_url"))
	if page != (spec.Alerts{}).AlertURL(name) {
		put(found, strings.TrimSuffix(page, "/"+name), "runbook")
	}
	for label, value := range textMap(dig(rule, "labels")) {
		if !spec.IsAlertLabel(label) {
			put(found, value, "labels", label)
		}
	}
}

// seconds is a limit of a bucket as a duration, empty for none.
func seconds(match []string) string {
	if match == nil {
		return ""
	}
	n, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		return ""
	}
	return time.Duration(math.Round(n * float64(time.Second))).String()
}

// objectiveOf is the percentage that leaves a budget, empty for none.
func objectiveOf(match []string) string {
	if match == nil {
		return ""
	}
	budget, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		return ""
	}
	const digits = 1e7 // of a percentage, without the noise of binary fractions
	return strconv.FormatFloat(math.Round(100*(1-budget)*digits)/digits, 'f', -1, 64)
}
