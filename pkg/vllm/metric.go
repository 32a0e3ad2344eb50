package vllm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// suffixes are what Prometheus adds to the names of counters and histograms.
var suffixes = []string{"_total", "_bucket", "_sum", "_count", "_created"}

// JudgeMetric says what is wrong with a metric's name, without vllm: in front, as a query names it; empty for nothing. Where the
// release is not known (nil), it is wrong if the newest one does not have it.
func JudgeMetric(r *Release, name string) (string, error) {
	table, err := catalog.VLLMReleases()
	if err != nil {
		return "", fmt.Errorf("reading what vLLM's releases export: %w", err)
	}
	metric := findMetric(table, name)
	switch {
	case metric == nil && r != nil && r.newer:
		return "", nil
	case metric == nil:
		return fmt.Sprintf("no release of vLLM exports vllm:%s%s", name, likeMetric(table, name)), nil
	}
	release := table.Releases[len(table.Releases)-1]
	if r != nil {
		release = r.Measured
	}
	if exported(metric, release, table.Releases) || r != nil && r.next != "" && exported(metric, r.next, table.Releases) {
		return "", nil
	}
	instead, err := insteadOf(r, metric.Name)
	return notExported(r, metric, release, table.Releases) + instead, err
}

// insteadOf says what a release calls what a metric of another one measures.
func insteadOf(r *Release, name string) (string, error) {
	names, err := NamesIn(r)
	if err != nil {
		return "", err
	}
	for measure, candidates := range measures() {
		for _, candidate := range candidates {
			if strings.TrimSuffix(candidate, "_total") == name && len(names[measure]) > 0 {
				return "; it is " + strings.TrimSuffix(names[measure][0], "_total") + " there", nil
			}
		}
	}
	return "", nil
}

func notExported(r *Release, metric *catalog.VLLMMetric, release string, all []string) string {
	where := &Release{Measured: release, table: &catalog.VLLM{Releases: all}}
	var in []string
	for _, other := range all {
		if exported(metric, other, all) {
			in = append(in, other)
		}
	}
	before, after := where.around(in)
	switch {
	case len(in) == 0 && r == nil:
		return fmt.Sprintf("vLLM exports vllm:%s with --show-hidden-metrics-for-version only", metric.Name)
	case r == nil:
		return fmt.Sprintf("vLLM exports no vllm:%s from %s on", metric.Name, before)
	case before != "":
		return fmt.Sprintf("%s exports no vllm:%s: gone since %s", r, metric.Name, before)
	case after != "":
		return fmt.Sprintf("%s exports no vllm:%s: it came with %s", r, metric.Name, after)
	}
	return fmt.Sprintf("%s exports no vllm:%s without --show-hidden-metrics-for-version", r, metric.Name)
}

// findMetric takes a name with or without what Prometheus adds to it.
func findMetric(table *catalog.VLLM, name string) *catalog.VLLMMetric {
	names := []string{name}
	for _, suffix := range suffixes {
		if base, cut := strings.CutSuffix(name, suffix); cut {
			names = append(names, base)
		}
	}
	for i := range table.Metrics {
		if slices.Contains(names, table.Metrics[i].Name) {
			return &table.Metrics[i]
		}
	}
	return nil
}

// exported reports whether a server of the release has the metric, be it with a feature. A hidden one is not there.
func exported(metric *catalog.VLLMMetric, release string, all []string) bool {
	return slices.ContainsFunc(metric.Forms, func(form catalog.MetricForm) bool {
		return form.When != "hidden" && form.In.Has(release, all)
	})
}

func likeMetric(table *catalog.VLLM, name string) string {
	names := make([]string, 0, len(table.Metrics))
	for _, metric := range table.Metrics {
		names = append(names, metric.Name)
	}
	near := suggest.Nearest(name, names)
	if near == "" || suggest.Distance(name, near) > max(2, len(name)/4) {
		return ""
	}
	return "; did you mean vllm:" + near + "?"
}
