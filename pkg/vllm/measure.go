package vllm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// Measure is something that every release of vLLM measures, whatever the metric is called in it.
type Measure string

// Measures, by what autoscalers, alerts and dashboards ask for.
const (
	// Running and Waiting are gauges of requests.
	Running Measure = "running"
	Waiting Measure = "waiting"
	// CacheUsage is a gauge from 0 to 1.
	CacheUsage Measure = "cache usage"
	// Preemptions, Finished, PromptTokens and GenerationTokens are counters. Finished has the label finished_reason.
	Preemptions      Measure = "preemptions"
	Finished         Measure = "finished"
	PromptTokens     Measure = "prompt tokens"
	GenerationTokens Measure = "generation tokens"
	// PrefixQueries and PrefixHits are counters of tokens.
	PrefixQueries Measure = "prefix queries"
	PrefixHits    Measure = "prefix hits"
	// FirstToken, BetweenTokens and Queue are histograms in seconds, AnswerTokens one of tokens.
	FirstToken    Measure = "first token"
	BetweenTokens Measure = "between tokens"
	Queue         Measure = "queue"
	AnswerTokens  Measure = "answer tokens"
)

const prefix = "vllm:"

// measures are the names of each, the newest first, as series of gauges and counters have them and without what a histogram adds.
func measures() map[Measure][]string {
	return map[Measure][]string{
		Running:          {"num_requests_running"},
		Waiting:          {"num_requests_waiting"},
		CacheUsage:       {"kv_cache_usage_perc", "gpu_cache_usage_perc"},
		Preemptions:      {"num_preemptions_total"},
		Finished:         {"request_success_total"},
		PromptTokens:     {"prompt_tokens_total"},
		GenerationTokens: {"generation_tokens_total"},
		PrefixQueries:    {"prefix_cache_queries_total", "gpu_prefix_cache_queries_total"},
		PrefixHits:       {"prefix_cache_hits_total", "gpu_prefix_cache_hits_total"},
		FirstToken:       {"time_to_first_token_seconds"},
		BetweenTokens:    {"inter_token_latency_seconds", "time_per_output_token_seconds"},
		Queue:            {"request_queue_time_seconds"},
		AnswerTokens:     {"request_generation_tokens"},
	}
}

// Names are what a measure is called, with vllm: in front and the newest name first. There are several where not all that is
// asked has the same.
type Names map[Measure][]string

// NamesIn are the names in a release, nil for one that is not known, which counts as the newest. A release between two that were read may
// have the name of either.
func NamesIn(r *Release) (Names, error) {
	table, err := catalog.VLLMReleases()
	if err != nil {
		return nil, fmt.Errorf("reading what vLLM's releases export: %w", err)
	}
	releases := []string{table.Releases[len(table.Releases)-1]}
	if r != nil {
		releases = []string{r.Measured}
		if r.next != "" {
			releases = append(releases, r.next)
		}
	}
	names := Names{}
	for measure, candidates := range measures() {
		for _, release := range releases {
			at := slices.IndexFunc(candidates, func(name string) bool {
				metric := findMetric(table, name)
				return metric != nil && exported(metric, release, table.Releases)
			})
			if at >= 0 {
				names.add(measure, prefix+candidates[at])
			}
		}
	}
	return names, nil
}

// Add takes over the names that another has.
func (n Names) Add(other Names) {
	for measure, names := range other {
		for _, name := range names {
			n.add(measure, name)
		}
	}
}

// add keeps the newest name first.
func (n Names) add(measure Measure, name string) {
	if slices.Contains(n[measure], name) {
		return
	}
	order := measures()[measure]
	n[measure] = append(slices.Clone(n[measure]), name)
	slices.SortFunc(n[measure], func(a, b string) int {
		return slices.Index(order, strings.TrimPrefix(a, prefix)) - slices.Index(order, strings.TrimPrefix(b, prefix))
	})
}

// Edges of the histograms of time in seconds: what is faster than one of them can be counted, and no other limit. They have been the
// same in every release that was read (vllm/v1/metrics/loggers.py and, later, buckets.py), unless --custom-histogram-buckets
// says otherwise. Nil for what is no such histogram.
func Edges(measure Measure) []float64 {
	switch measure {
	case FirstToken:
		return []float64{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
	case BetweenTokens:
		return []float64{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
	}
	return nil
}
