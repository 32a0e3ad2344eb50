package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// plan makes the tests, and shares the false alarms among them: half for what must pass, half for the rest.
func plan(data Data, excluded int, config Config) ([]test, error) {
	var tests []test
	before, judged := data.Blocks[:excluded], data.Blocks[excluded:]
	boundaries := map[string]map[int]string{}
	for _, m := range config.metrics() {
		tests = append(tests, comparison(m, data.Bounds, before, judged, boundaries))
	}
	for _, m := range all() {
		limit, ok := config.Limits[m.name]
		if !ok {
			continue
		}
		t, err := limitation(m, data.Bounds, judged, limit)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	share(tests, config, requests(judged, canaryOf))
	return tests, nil
}

// share gives each test its part of the error rates. Those that can tell nothing, as was known before the first look, take none.
func share(tests []test, config Config, requests []float64) {
	numbers := map[bool]int{}
	for _, t := range tests {
		if t.worse != nil {
			numbers[t.result.Required]++
		}
	}
	for i := range tests {
		number := max(1, numbers[tests[i].result.Required])
		tests[i].alpha, tests[i].beta, tests[i].requests = config.FalseAlarms/2/float64(number), config.Misses, requests
	}
}

// comparison is the test of a metric against the baseline.
func comparison(m metric, bounds Bounds, before, judged []Block, taken map[string]map[int]string) test {
	t, blocks := test{}, fewestBlocks
	result := Result{Name: m.name, Required: m.required, Unit: m.unit, Margin: at(m.margin)}
	if m.harmless > 0 {
		result.Harmless = at(m.harmless)
	}
	switch {
	case m.byMean():
		t, blocks = compareMeans(m, meansOf(m, judged)), manyBlocks
	case m.count != nil:
		t = compareCounts(m, countsOf(m.count, judged), 1+m.margin)
	default:
		t = compareQuantile(m, bounds, before, judged, &result, taken)
	}
	if m.clustered {
		blocks = manyBlocks
	}
	show := t.show
	t.blocks, t.result = blocks, result
	t.show = func(r *Result) {
		if show != nil {
			show(r)
		}
		m.seen(r, bounds, judged)
	}
	return t
}

// compareQuantile counts requests above the boundary that stands for the quantile.
func compareQuantile(m metric, bounds Bounds, before, judged []Block, result *Result, taken map[string]map[int]string) test {
	usual := Histogram{}
	for _, b := range before {
		usual = usual.plus(m.histogram(b.Baseline))
	}
	edges := m.bounds(bounds)
	index, odds := usual.boundary(m.quantile, m.margin, edges)
	if index < 0 {
		result.Required = false
		result.Note = "no boundary of the histogram would show the margin; the mean stands for it"
		if usual.count() == 0 {
			result.Note = "the baseline had none before the test"
		}
		return test{}
	}
	kind, _, _ := strings.Cut(m.name, "-")
	if taken[kind] == nil {
		taken[kind] = map[int]string{}
	}
	if other, same := taken[kind][index]; same {
		result.Required = false
		result.Boundary = at(edges[index])
		result.Note = "counted at the same boundary as " + other
		return test{}
	}
	taken[kind][index] = m.name
	result.Boundary = at(edges[index])
	pairs := countsOf(func(r Reading) Count { return m.histogram(r).above(index) }, judged)
	t := compareCounts(m, pairs, odds)
	show := t.show
	t.show = func(r *Result) {
		show(r)
		if sum := total(pairs); sum.baseline.Of > 0 && sum.canary.Of > 0 {
			r.BaselineAbove, r.CanaryAbove = at(sum.baseline.share()), at(sum.canary.share())
		}
	}
	return t
}

func countsOf(of func(Reading) Count, blocks []Block) []pair {
	pairs := make([]pair, len(blocks))
	for i, b := range blocks {
		pairs[i] = pair{of(b.Baseline), of(b.Canary)}
	}
	return pairs
}

func meansOf(m metric, blocks []Block) []means {
	list := make([]means, len(blocks))
	for i, b := range blocks {
		list[i] = means{m.meanOf(b.Baseline), m.meanOf(b.Canary)}
	}
	return list
}

// limitation is the test of the canary alone.
func limitation(m metric, bounds Bounds, judged []Block, limit float64) (test, error) {
	t, blocks := test{}, fewestBlocks
	result := Result{Name: m.name, Required: true, Unit: m.unit, Limit: at(limit)}
	switch {
	case m.byMean():
		level := limit
		if m.name == TokensPerSecond {
			level = 1 / limit // seconds per token
		}
		t, blocks = limitMean(meansOf(m, judged), level), manyBlocks
	case m.count != nil:
		t = limitShare(m, countsOf(m.count, judged), limit)
	default:
		index := slices.Index(m.bounds(bounds), limit)
		if len(m.bounds(bounds)) > 0 && index < 0 {
			return t, fmt.Errorf("limit of %s is %g s, at which the histogram has no boundary; it has %v", m.name, limit, m.bounds(bounds))
		}
		result.Boundary = at(limit)
		t = limitShare(m, countsOf(func(r Reading) Count { return m.histogram(r).above(max(0, index)) }, judged), 1-m.quantile)
	}
	if m.clustered {
		blocks = manyBlocks
	}
	show := t.show
	t.blocks, t.result = blocks, result
	t.show = func(r *Result) {
		show(r)
		m.seen(r, bounds, judged)
	}
	return t, nil
}

// seen fills in what a dashboard would show of both.
func (m metric) seen(r *Result, bounds Bounds, judged []Block) {
	value := func(of func(Block) Reading) *float64 {
		if m.count != nil {
			sum := Count{}
			for _, b := range judged {
				c := m.count(of(b))
				sum.Events, sum.Of = sum.Events+c.Events, sum.Of+c.Of
			}
			return valueOf(sum.share(), sum.Of > 0)
		}
		if m.byMean() {
			sum := Mean{}
			for _, b := range judged {
				one := m.meanOf(of(b))
				sum.Sum, sum.Of = sum.Sum+one.Sum, sum.Of+one.Of
			}
			if m.name == TokensPerSecond {
				sum.Sum, sum.Of = sum.Of, sum.Sum
			}
			return valueOf(sum.Sum/sum.Of, sum.Of > 0)
		}
		sum := Histogram{}
		for _, b := range judged {
			sum = sum.plus(m.histogram(of(b)))
		}
		q, ok := sum.Quantile(m.quantile, m.bounds(bounds))
		return valueOf(q, ok)
	}
	r.Baseline = value(baselineOf)
	r.Canary = value(canaryOf)
}

func valueOf(value float64, ok bool) *float64 {
	if !ok || math.IsNaN(value) {
		return nil
	}
	return at(value)
}
