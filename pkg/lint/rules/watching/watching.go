// Package watching holds the rules about alerts and dashboards.
package watching

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/vllm"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{alertOnNothing(), brokenDashboard(), emptyPanel(), labelOfNobody()}
}

// metricName is a metric of vLLM in a query. What ends in another colon is the name of somebody's recorded series.
var metricName = regexp.MustCompile(`\bvllm:([a-zA-Z0-9_]+)(:?)`)

// releases are those of vLLM that the set's pods run, nil for one that is not known.
func releases(c *rule.Context) []*vllm.Release {
	var found []*vllm.Release
	for _, workload := range c.Workloads() {
		for _, container := range workload.Containers {
			if !rule.IsVLLM(container) {
				continue
			}
			release, ok, err := vllm.FromImage(container.Field("image").Text())
			if err != nil || !ok {
				release = nil
			}
			found = append(found, release)
		}
	}
	if len(found) == 0 {
		return []*vllm.Release{nil}
	}
	return found
}

// unexported says of each metric of vLLM in a query why no release exports it. A query with or that has a metric which one exports is for
// several releases.
func unexported(query string, among []*vllm.Release, recorded func(name string) bool) []string {
	var reasons []string
	known := false
	for _, match := range metricName.FindAllStringSubmatch(query, -1) {
		if match[2] != "" || recorded("vllm:"+match[1]) {
			continue
		}
		why := ""
		for i, release := range among {
			verdict, err := vllm.JudgeMetric(release, match[1])
			if err != nil || verdict == "" {
				why = ""
				break
			}
			if i == 0 {
				why = verdict
			}
		}
		if why == "" {
			known = true
		} else if !slices.Contains(reasons, why) {
			reasons = append(reasons, why)
		}
	}
	if known && alternatives.MatchString(query) {
		return nil
	}
	return reasons
}

var alternatives = regexp.MustCompile(`(?i)\bor\b`)

// expressions of a PrometheusRule's rules.
func expressions(object *rule.Object, visit func(expression rule.Value)) {
	for one := range object.All("spec", "groups", "*", "rules", "*") {
		visit(one.Field("expr"))
	}
}

// records says whether a rule of the set records a series of a name.
func records(c *rule.Context) func(name string) bool {
	names := map[string]bool{}
	for _, object := range c.Objects(rule.PrometheusRule) {
		for one := range object.All("spec", "groups", "*", "rules", "*") {
			names[one.Field("record").Text()] = true
		}
	}
	return func(name string) bool { return names[name] }
}

// dashboards are the values of ConfigMaps that Grafana's sidecar loads.
func dashboards(c *rule.Context, visit func(text rule.Value)) {
	for _, config := range c.Objects(rule.ConfigMap) {
		if !config.Field("metadata", "labels", "grafana_dashboard").Found() {
			continue
		}
		for key, text := range config.Field("data").Entries() {
			if strings.HasSuffix(key, ".json") {
				visit(text)
			}
		}
	}
}
