package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Span is what is read: blocks of equal length, a number of whole seconds each.
type Span struct {
	Start  time.Time
	Block  time.Duration
	Blocks int
}

func (s Span) end() time.Time { return s.Start.Add(time.Duration(s.Blocks) * s.Block) }

// reader asks one Prometheus about one span.
type reader struct {
	from Ranger
	span Span
}

// samples are the values of one series at the edges of the blocks, one more than there are blocks; NaN where there is none.
type samples struct {
	labels model.Metric
	values []float64
}

// ask returns the series of a query at the edges of the blocks. Nothing that is wrong with an answer may look like calm: it is an
// error. No series are none.
func (r reader) ask(ctx context.Context, query string) ([]samples, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, warnings, err := r.from.QueryRange(limited, query, v1.Range{Start: r.span.Start, End: r.span.end(), Step: r.span.Block})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("no answer of Prometheus within %s to %s", patience, query)
	case err != nil:
		return nil, fmt.Errorf("asking Prometheus for %s: %w", query, explained(err))
	case len(warnings) > 0:
		return nil, fmt.Errorf("the answer of Prometheus may be incomplete (%s): %s", strings.Join(warnings, "; "), query)
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("the answer of Prometheus to %s is a %T, and no matrix", query, value)
	}
	found := make([]samples, 0, len(matrix))
	for _, stream := range matrix {
		one, err := r.atEdges(stream)
		if err != nil {
			return nil, fmt.Errorf("the answer of Prometheus to %s has %w", query, err)
		}
		found = append(found, one)
	}
	return found, nil
}

// explained adds what a proxy or a login page said, of which the client keeps only the kind.
func explained(err error) error {
	var said *v1.Error
	if !errors.As(err, &said) || said.Detail == "" {
		return err
	}
	const enough = 200
	detail := strings.Join(strings.Fields(said.Detail), " ")
	if len(detail) > enough {
		detail = detail[:enough] + "…"
	}
	return fmt.Errorf("%w: %s", err, detail)
}

func (r reader) atEdges(stream *model.SampleStream) (samples, error) {
	one := samples{labels: stream.Metric, values: make([]float64, r.span.Blocks+1)}
	for i := range one.values {
		one.values[i] = math.NaN()
	}
	if len(stream.Histograms) > 0 {
		return one, fmt.Errorf("a native histogram (%s), and the gate reads buckets", stream.Metric)
	}
	for _, pair := range stream.Values {
		since := pair.Timestamp.Time().Sub(r.span.Start)
		index := int(since / r.span.Block)
		if since < 0 || since%r.span.Block != 0 || index > r.span.Blocks {
			return one, fmt.Errorf("a value at %s, which was not asked for", pair.Timestamp.Time().UTC().Format(time.RFC3339))
		}
		if value := float64(pair.Value); math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
			return one, fmt.Errorf("%v (%s), which counts nothing", value, stream.Metric)
		}
		one.values[index] = float64(pair.Value)
	}
	return one, nil
}

// counters asks for counters that are summed by pod and other labels.
func (r reader) counters(ctx context.Context, query string) ([]samples, error) {
	all, err := r.ask(ctx, query)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.labels[podLabel] == "" {
			return nil, fmt.Errorf("series without the label %s: %s; collect them with a PodMonitor, which adds it, such as the one of the tree", podLabel, query)
		}
	}
	return increases(all), nil
}

// increases are what the counters grew by in each block. One that became smaller began anew. One that was not there at the last
// edge began at 0 if other counters of its pod were there: a label such as a response code has a counter from its first event on.
// Where the pod was not there either, nobody knows since when it counts, and the block says nothing.
func increases(all []samples) []samples {
	there := map[model.LabelValue][]bool{}
	for _, one := range all {
		pod := one.labels[podLabel]
		if there[pod] == nil {
			there[pod] = make([]bool, len(one.values))
		}
		for i, value := range one.values {
			there[pod][i] = there[pod][i] || !math.IsNaN(value)
		}
	}
	grown := make([]samples, len(all))
	for n, one := range all {
		grown[n] = samples{labels: one.labels, values: make([]float64, len(one.values)-1)}
		for i := range grown[n].values {
			grown[n].values[i] = increase(one.values[i], one.values[i+1], there[one.labels[podLabel]][i])
		}
	}
	return grown
}

func increase(before, after float64, pod bool) float64 {
	switch {
	case math.IsNaN(after):
		return 0
	case math.IsNaN(before) && pod, after < before:
		return after
	case math.IsNaN(before):
		return 0
	}
	return after - before
}

// sum adds up what is kept of the series.
func sum(all []samples, blocks int, keep func(model.Metric) bool) []float64 {
	total := make([]float64, blocks)
	for _, one := range all {
		if !keep(one.labels) {
			continue
		}
		for i, value := range one.values {
			total[i] += value
		}
	}
	return total
}

// all keeps every series.
func all(model.Metric) bool { return true }
