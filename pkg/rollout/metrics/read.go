package metrics

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
)

// Pair are the two that are compared.
type Pair struct{ Baseline, Canary Revision }

// Reading is what Prometheus has of both, and what is to be known of it.
type Reading struct {
	Data  gate.Data
	Notes []string
}

// Read asks for all that the gate judges. What Prometheus has no series of is missing in the data, which the gate takes for what it
// is; an answer that is wrong is an error.
func Read(ctx context.Context, from Ranger, profile Profile, pair Pair, span Span) (Reading, error) {
	r := reader{from, span}
	copied := pair.Baseline.Copied || pair.Canary.Copied
	pair.Baseline.Copied, pair.Canary.Copied = copied, copied // what is compared is counted in one way
	baseline, err := r.revision(ctx, profile, pair.Baseline)
	if err != nil {
		return Reading{}, err
	}
	canary, err := r.revision(ctx, profile, pair.Canary)
	if err != nil {
		return Reading{}, err
	}
	found := Reading{Data: gate.Data{Start: span.Start, Block: span.Block, Blocks: make([]gate.Block, span.Blocks)}}
	found.Notes = append(baseline.notes, canary.notes...)
	if copied && profile == Istio {
		found.Notes = append(found.Notes, "one of them gets copies of requests, which no caller counts (istio/istio#23496): of both, their own sidecars' counts are compared, in which requests that reached no pod are not")
	}
	for i := range found.Data.Blocks {
		found.Data.Blocks[i] = gate.Block{Baseline: baseline.blocks[i], Canary: canary.blocks[i]}
	}
	return found, found.histograms(baseline, canary)
}

// revision is what one revision did: counts and means by block, and histograms that are not yet cut into buckets.
type revision struct {
	name             string
	notes            []string
	blocks           []gate.Reading
	ttft, itl, queue histogram
}

func (r reader) revision(ctx context.Context, profile Profile, of Revision) (*revision, error) {
	found := &revision{name: of.Name, blocks: make([]gate.Reading, r.span.Blocks)}
	for _, part := range []func(context.Context, Revision, *revision) error{
		func(ctx context.Context, of Revision, into *revision) error {
			return r.answers(ctx, profile, of, into)
		},
		r.finished, r.latencies, r.means, r.usage,
	} {
		if err := part(ctx, of, found); err != nil {
			return nil, fmt.Errorf("revision %s: %w", of.Name, err)
		}
	}
	return found, nil
}

// answers counts requests and those answered with 5xx.
func (r reader) answers(ctx context.Context, profile Profile, of Revision, into *revision) error {
	query, label, err := profile.answers(of)
	if err != nil {
		return err
	}
	series, err := r.counters(ctx, query)
	if err != nil {
		return err
	}
	if profile == Istio {
		series = into.reported(series, of.Copied)
	}
	requests := sum(series, r.span.Blocks, all)
	errors := sum(series, r.span.Blocks, func(m model.Metric) bool { return strings.HasPrefix(string(m[model.LabelName(label)]), "5") })
	for i := range into.blocks {
		into.blocks[i].Errors = gate.Count{Events: errors[i], Of: requests[i]}
	}
	if len(series) == 0 {
		into.notes = append(into.notes, fmt.Sprintf("revision %s: Prometheus has no series of its requests by profile %s: %s", of.Name, profile, query))
	}
	return nil
}

// reported keeps what callers report of requests, who see also those that no pod took, or where there is none of these what the
// model's own sidecars report: not both, which would count each request twice. Of copies callers report nothing, of testers'
// requests beside them they do; then the sidecars' counts are all.
func (v *revision) reported(all []samples, copied bool) []samples {
	by := map[model.LabelValue][]samples{}
	for _, one := range all {
		by[one.labels["reporter"]] = append(by[one.labels["reporter"]], one)
	}
	if copied {
		return by["destination"]
	}
	if len(by["source"]) > 0 {
		return by["source"]
	}
	if len(by["destination"]) > 0 {
		v.notes = append(v.notes, fmt.Sprintf("revision %s: its own sidecars count its requests, since no caller's does: those that reached no pod are not among them", v.name))
	}
	return by["destination"]
}

// finished counts answers by what ended them, and preemptions.
func (r reader) finished(ctx context.Context, of Revision, into *revision) error {
	ended, err := r.vllm(ctx, of, "_total", "finished_reason", "request_success")
	if err != nil {
		return err
	}
	preempted, err := r.vllm(ctx, of, "_total", "", "num_preemptions")
	if err != nil {
		return err
	}
	reason := func(name model.LabelValue) []float64 {
		return sum(ended, r.span.Blocks, func(m model.Metric) bool { return m["finished_reason"] == name })
	}
	answers, aborted, length, times := sum(ended, r.span.Blocks, all), reason("abort"), reason("length"), sum(preempted, r.span.Blocks, all)
	for i := range into.blocks {
		b := &into.blocks[i]
		b.Aborted, b.Length = gate.Count{Events: aborted[i], Of: answers[i]}, gate.Count{Events: length[i], Of: answers[i]}
		if len(preempted) > 0 {
			b.Preempted = gate.Count{Events: times[i], Of: answers[i]}
		}
	}
	return nil
}

func (r reader) vllm(ctx context.Context, of Revision, suffix, by string, candidates ...string) ([]samples, error) {
	query, err := of.own(suffix, by, candidates...)
	if err != nil {
		return nil, err
	}
	return r.counters(ctx, query)
}

// latencies reads the histograms. The time between tokens was called that per output token before 0.10.2; both are observed once
// for each step that brought output.
func (r reader) latencies(ctx context.Context, of Revision, into *revision) error {
	for _, one := range []struct {
		into  *histogram
		names []string
	}{
		{&into.ttft, []string{"time_to_first_token_seconds"}},
		{&into.itl, []string{"inter_token_latency_seconds", "time_per_output_token_seconds"}},
		{&into.queue, []string{"request_queue_time_seconds"}},
	} {
		buckets, err := r.vllm(ctx, of, "_bucket", "le", one.names...)
		if err != nil {
			return err
		}
		seconds, err := r.vllm(ctx, of, "_sum", "", one.names...)
		if err != nil {
			return err
		}
		if *one.into, err = cumulative(buckets, r.span.Blocks); err != nil {
			return fmt.Errorf("%s: %w", one.names[0], err)
		}
		one.into.seconds = sum(seconds, r.span.Blocks, all)
	}
	return nil
}

// means reads the tokens of answers, and how long decoding them took.
func (r reader) means(ctx context.Context, of Revision, into *revision) error {
	var parts [3][]float64
	for i, one := range [3][2]string{{"request_generation_tokens", "_sum"}, {"request_generation_tokens", "_count"}, {"request_decode_time_seconds", "_sum"}} {
		series, err := r.vllm(ctx, of, one[1], "", one[0])
		if err != nil {
			return err
		}
		parts[i] = sum(series, r.span.Blocks, all)
	}
	for i := range into.blocks {
		tokens, answers, seconds := parts[0][i], parts[1][i], parts[2][i]
		into.blocks[i].OutputTokens = gate.Mean{Sum: tokens, Of: answers}
		into.blocks[i].TokenSeconds = gate.Mean{Sum: seconds, Of: tokens}
	}
	return nil
}

// usage reads how full the cache is at the end of each block, on average over the block.
func (r reader) usage(ctx context.Context, of Revision, into *revision) error {
	query, err := of.usage(model.Duration(r.span.Block).String(), "kv_cache_usage_perc", "gpu_cache_usage_perc")
	if err != nil {
		return err
	}
	series, err := r.ask(ctx, query)
	if err != nil {
		return err
	}
	for _, one := range series {
		for i := range into.blocks {
			if value := one.values[i+1]; !math.IsNaN(value) {
				into.blocks[i].KVUsage = gate.Mean{Sum: value, Of: 1}
			}
		}
	}
	return nil
}

// histogram has for each boundary how many observations of a block are not above it, as Prometheus counts.
type histogram struct {
	upTo    map[float64][]float64
	seconds []float64
}

func cumulative(buckets []samples, blocks int) (histogram, error) {
	h := histogram{upTo: map[float64][]float64{}}
	for _, one := range buckets {
		boundary, err := strconv.ParseFloat(string(one.labels[model.BucketLabel]), 64)
		if err != nil || math.IsNaN(boundary) {
			return h, fmt.Errorf("a bucket up to %q, which is no number", one.labels[model.BucketLabel])
		}
		if h.upTo[boundary] == nil {
			h.upTo[boundary] = make([]float64, blocks)
		}
		for i, value := range one.values {
			h.upTo[boundary][i] += value
		}
	}
	if len(buckets) > 0 && h.upTo[math.Inf(1)] == nil {
		return h, fmt.Errorf("no bucket up to +Inf")
	}
	return h, nil
}

// histograms cuts both revisions' at the boundaries that both have: an argument of the server may give other ones.
func (f *Reading) histograms(baseline, canary *revision) error {
	for _, one := range []struct {
		name             string
		baseline, canary histogram
		bounds           *[]float64
		of               func(*gate.Reading) *gate.Histogram
	}{
		{"time to first token", baseline.ttft, canary.ttft, &f.Data.Bounds.TTFT, func(r *gate.Reading) *gate.Histogram { return &r.TTFT }},
		{"time between tokens", baseline.itl, canary.itl, &f.Data.Bounds.ITL, func(r *gate.Reading) *gate.Histogram { return &r.ITL }},
		{"queue time", baseline.queue, canary.queue, &f.Data.Bounds.Queue, func(r *gate.Reading) *gate.Histogram { return &r.Queue }},
	} {
		shared := common(one.baseline, one.canary)
		*one.bounds = shared
		if len(one.baseline.upTo) > 0 && len(one.canary.upTo) > 0 && (len(shared) < len(one.baseline.upTo)-1 || len(shared) < len(one.canary.upTo)-1) {
			f.Notes = append(f.Notes, fmt.Sprintf("the revisions have different buckets of the %s; %d boundaries that both have are used", one.name, len(shared)))
		}
		for i := range f.Data.Blocks {
			b := &f.Data.Blocks[i]
			for _, side := range []struct {
				name string
				from histogram
				into *gate.Reading
			}{{baseline.name, one.baseline, &b.Baseline}, {canary.name, one.canary, &b.Canary}} {
				cut, err := side.from.cut(i, shared)
				if err != nil {
					return fmt.Errorf("revision %s: %s: %w", side.name, one.name, err)
				}
				*one.of(side.into) = cut
			}
		}
	}
	return nil
}

// common are the finite boundaries of both, or of the one that has any.
func common(a, b histogram) []float64 {
	some, others := a.upTo, b.upTo
	switch {
	case len(some) == 0:
		some = others
	case len(others) == 0:
		others = some
	}
	var shared []float64
	for _, boundary := range slices.Sorted(maps.Keys(some)) {
		if others[boundary] != nil && !math.IsInf(boundary, 1) {
			shared = append(shared, boundary)
		}
	}
	return shared
}

// cut makes buckets of one block; none where there are no series.
func (h histogram) cut(block int, bounds []float64) (gate.Histogram, error) {
	all := h.upTo[math.Inf(1)]
	if all == nil {
		return gate.Histogram{}, nil
	}
	found := gate.Histogram{Buckets: make([]float64, 0, len(bounds)+1), Sum: h.seconds[block]}
	below := 0.0
	for _, upTo := range append(h.at(block, bounds), all[block]) {
		if upTo < below {
			return found, fmt.Errorf("more observations up to a boundary than up to the next one; do its pods have different buckets?")
		}
		found.Buckets = append(found.Buckets, upTo-below)
		below = upTo
	}
	return found, nil
}

func (h histogram) at(block int, bounds []float64) []float64 {
	values := make([]float64, len(bounds))
	for i, boundary := range bounds {
		values[i] = h.upTo[boundary][block]
	}
	return values
}
