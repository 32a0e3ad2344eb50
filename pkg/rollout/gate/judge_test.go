package gate

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func usual() world { return world{perMinute: 600, part: .25, errors: .0005, own: 1, worse: same} }

// canary changes what the canary did in each judged block, by the minute after the warm-up.
func canary(data Data, change func(minute int, r *Reading)) Data {
	for i := range data.Blocks {
		if i >= warmUp {
			change(i-warmUp, &data.Blocks[i].Canary)
		}
	}
	return data
}

func judged(t *testing.T, data Data, change func(*Config)) Report {
	t.Helper()
	config := Defaults()
	if change != nil {
		change(&config)
	}
	report, err := Judge(data, config)
	require.NoError(t, err)
	return report
}

func result(t *testing.T, r Report, name string) Result {
	t.Helper()
	for _, m := range r.Metrics {
		if m.Name == name && m.Limit == nil {
			return m
		}
	}
	require.Failf(t, "no result", "of %s", name)
	return Result{}
}

func TestPassesWhatIsAlike(t *testing.T) {
	t.Parallel()
	report := judged(t, usual().hour(1), nil)
	assert.Equal(t, Pass, report.Verdict, report.Reasons)
	assert.Equal(t, minutes, report.Blocks)
	assert.Equal(t, warmUp, report.Excluded)
	assert.InDelta(t, 60*150, report.Canary, 500)
}

// TestWithoutVariation: times that are the same in every block tell, too, whether they are worse, and by how much.
func TestWithoutVariation(t *testing.T) {
	t.Parallel()
	const steady = 1.0 / 64 // whose sums are exact
	for name, c := range map[string]struct {
		canary float64
		want   Verdict
	}{
		"the same": {steady, Pass}, "but for rounding": {steady * (1 + 1e-13), Pass}, "a little slower": {steady * 1.05, Pass}, "slower": {steady * 1.5, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := usual().hour(1)
			for i := range data.Blocks {
				b := &data.Blocks[i]
				b.Baseline.ITL.Sum, b.Canary.ITL.Sum = steady*b.Baseline.ITL.count(), c.canary*b.Canary.ITL.count()
			}
			assert.Equal(t, c.want, result(t, judged(t, data, nil), "itl-mean").Verdict)
		})
	}
}

// TestCountsLate: what one source has of a block the other one has in the next one, and no request counts twice.
func TestCountsLate(t *testing.T) {
	t.Parallel()
	data := usual().hour(1)
	want := judged(t, data, nil)
	for i := len(data.Blocks) - 1; i > warmUp; i -= 2 {
		late, b := &data.Blocks[i].Canary, &data.Blocks[i-1].Canary
		late.Errors.Of, late.Errors.Events = late.Errors.Of+b.Errors.Of, late.Errors.Events+b.Errors.Events
		b.Errors.Of, b.Errors.Events = 0, 0
	}
	assert.InDelta(t, want.Canary, judged(t, data, nil).Canary, 1)
}

// TestFails: each thing that is judged fails by itself, in one hour in which nothing else is wrong.
func TestFails(t *testing.T) {
	t.Parallel()
	scale := func(h *Histogram, bounds []float64, factor float64) { // moves a part of each bucket to the next
		moved := make([]float64, len(h.Buckets))
		for i, n := range h.Buckets {
			part := math.Round(n * min(1, (factor-1)*1.5))
			if i == len(bounds) {
				part = 0
			}
			moved[i] += n - part
			if part > 0 {
				moved[i+1] += part
			}
		}
		h.Buckets = moved
	}
	for name, change := range map[string]func(minute int, r *Reading){
		Errors:          func(_ int, r *Reading) { r.Errors.Events = math.Round(r.Errors.Of * .03) },
		TTFTMean:        func(_ int, r *Reading) { r.TTFT.Sum *= 1.4 },
		TTFTP50:         func(_ int, r *Reading) { scale(&r.TTFT, edges().TTFT, 1.3) },
		ITLMean:         func(_ int, r *Reading) { r.ITL.Sum *= 1.3 },
		ITLP95:          func(_ int, r *Reading) { scale(&r.ITL, edges().ITL, 1.3) },
		QueueP95:        func(_ int, r *Reading) { r.Queue.Buckets[1] += 10; r.Queue.Buckets[0] -= 10 },
		Preemptions:     func(_ int, r *Reading) { r.Preempted.Events += 15 },
		Aborts:          func(_ int, r *Reading) { r.Aborted.Events += 8 },
		Length:          func(_ int, r *Reading) { r.Length.Events += 15 },
		OutputLength:    func(_ int, r *Reading) { r.OutputTokens.Sum *= .7 },
		TokensPerSecond: func(_ int, r *Reading) { r.TokenSeconds.Sum *= 1.3 },
		KVUsage:         func(_ int, r *Reading) { r.KVUsage.Sum = .97 },
		"late " + Errors: func(minute int, r *Reading) {
			if minute >= 45 {
				r.Errors.Events = math.Round(r.Errors.Of * .1)
			}
		},
		"late " + ITLMean: func(minute int, r *Reading) {
			if minute >= 40 {
				r.ITL.Sum *= 1.5
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := judged(t, canary(usual().hour(7), change), nil)
			assert.Equal(t, Fail, report.Verdict)
			kind := strings.TrimPrefix(name, "late ")
			got := result(t, report, kind)
			assert.Equal(t, Fail, got.Verdict, "%+v", got)
			if kind != name {
				assert.Greater(t, got.FailedAfter, 40, "before it began")
			}
			assert.Contains(t, strings.Join(report.Reasons, "\n"), kind)
		})
	}
}

// TestWithinTheMarginPasses: of so many requests a small slowdown is certain, and as certainly none that matters.
func TestWithinTheMarginPasses(t *testing.T) {
	t.Parallel()
	hours := usual()
	hours.perMinute = 3000
	hours.worse = func(float64) (errors, ttft, itl float64) { return 1, 1.04, 1.04 }
	report := judged(t, hours.hour(3), nil)
	assert.Equal(t, Pass, report.Verdict, report.Reasons)
	strict := judged(t, hours.hour(3), func(c *Config) { c.Margins = map[string]float64{ITLMean: .03} })
	assert.Equal(t, Fail, strict.Verdict)
	assert.Contains(t, strings.Join(strict.Reasons, "\n"), ITLMean)
}

// TestNeverPasses: without data, or with too little, there is no pass.
func TestNeverPasses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data    Data
		because string
	}{
		"nothing":          {Data{}, "fewer than 200 requests"},
		"no baseline":      {blank(func(b *Block) { b.Baseline = Reading{} }), "fewer than 200 requests"},
		"no canary":        {blank(func(b *Block) { b.Canary = Reading{} }), "canary answered 0 requests"},
		"no errors known":  {blank(func(b *Block) { b.Canary.Errors = Count{} }), "errors has no data"},
		"no first tokens":  {blank(func(b *Block) { b.Canary.TTFT = Histogram{} }), "ttft-mean has no data"},
		"only the warm-up": {Data{Bounds: edges(), Blocks: usual().hour(1).Blocks[:warmUp]}, "baseline answered 0 requests"},
		"four minutes":     {Data{Bounds: edges(), Blocks: usual().hour(1).Blocks[:warmUp+4]}, "could still be too bad"},
		"a trickle": {blank(func(b *Block) {
			b.Canary = Reading{Errors: Count{0, 1}}
		}), "canary answered 60 requests"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := judged(t, c.data, nil)
			assert.Equal(t, Undecided, report.Verdict)
			assert.Contains(t, strings.Join(report.Reasons, "\n"), c.because)
		})
	}
}

func blank(change func(*Block)) Data {
	data := usual().hour(1)
	for i := range data.Blocks {
		change(&data.Blocks[i])
	}
	return data
}

func TestImpossibleData(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Block){
		"no number":       func(b *Block) { b.Canary.KVUsage.Sum = math.NaN() },
		"endless":         func(b *Block) { b.Baseline.TTFT.Sum = math.Inf(1) },
		"negative":        func(b *Block) { b.Canary.ITL.Buckets[0] = -1 },
		"more than all":   func(b *Block) { b.Canary.Errors = Count{3, 2} },
		"missing buckets": func(b *Block) { b.Canary.Queue.Buckets = []float64{1, 2} },
	} {
		_, err := Judge(blank(change), Defaults())
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), "block 1 of the")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits map[string]float64
		want   Verdict
	}{
		"errors kept":          {map[string]float64{Errors: .01}, Pass},
		"errors broken":        {map[string]float64{Length: .05}, Fail},
		"first token kept":     {map[string]float64{TTFTP95: 2.5}, Pass},
		"first token broken":   {map[string]float64{TTFTP95: .25}, Fail},
		"mean kept":            {map[string]float64{ITLMean: .05}, Pass},
		"mean broken":          {map[string]float64{ITLMean: .02}, Fail},
		"speed kept":           {map[string]float64{TokensPerSecond: 20}, Pass},
		"speed broken":         {map[string]float64{TokensPerSecond: 80}, Fail},
		"cache broken":         {map[string]float64{KVUsage: .3}, Fail},
		"several, one of them": {map[string]float64{Errors: .01, Preemptions: .001}, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := judged(t, usual().hour(5), func(config *Config) { config.Limits = c.limits })
			assert.Equal(t, c.want, report.Verdict, report.Reasons)
		})
	}
	_, err := Judge(usual().hour(5), Config{WarmUp: 5, MinRequests: 1, FalseAlarms: .05, Misses: .05, Limits: map[string]float64{TTFTP95: 2}})
	require.ErrorContains(t, err, "no boundary")
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	slow := canary(usual().hour(7), func(_ int, r *Reading) { r.TokenSeconds.Sum *= 1.5 })
	assert.Equal(t, Fail, judged(t, slow, nil).Verdict)
	report := judged(t, slow, func(c *Config) { c.Ignore = []string{TokensPerSecond} })
	assert.Equal(t, Pass, report.Verdict, report.Reasons)
	nothing := judged(t, usual().hour(7), func(c *Config) { c.Ignore = Names() })
	assert.Equal(t, Undecided, nothing.Verdict)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, Defaults().Check())
	for want, change := range map[string]func(*Config){
		"false alarms":        func(c *Config) { c.FalseAlarms = 0 },
		"misses":              func(c *Config) { c.Misses = math.NaN() },
		"warm-up":             func(c *Config) { c.WarmUp = -1 },
		"no metric":           func(c *Config) { c.Ignore = []string{"latency"} },
		"margin of":           func(c *Config) { c.Margins = map[string]float64{Errors: -1} },
		"share of 1":          func(c *Config) { c.Limits = map[string]float64{Errors: 5} },
		"both more and less":  func(c *Config) { c.Limits = map[string]float64{OutputLength: 5} },
		"limit of ttft-p95 m": func(c *Config) { c.Limits = map[string]float64{TTFTP95: math.NaN()} },
	} {
		config := Defaults()
		change(&config)
		require.ErrorContains(t, config.Check(), want)
	}
}

// TestReplayAgrees: who looks after each minute fails when the report says.
func TestReplayAgrees(t *testing.T) {
	t.Parallel()
	data := canary(usual().hour(7), func(minute int, r *Reading) {
		if minute >= 5 {
			r.Errors.Events = math.Round(r.Errors.Of * .1)
		}
	})
	verdict, after, err := Replay(data, Defaults())
	require.NoError(t, err)
	assert.Equal(t, Fail, verdict)
	assert.Equal(t, result(t, judged(t, data, nil), Errors).FailedAfter, after)
	assert.Less(t, after, 10)
}

func TestReports(t *testing.T) {
	t.Parallel()
	report := judged(t, canary(usual().hour(7), func(_ int, r *Reading) { r.KVUsage = Mean{} }), func(c *Config) { c.Limits = map[string]float64{Errors: .01} })
	a := Analysis{Model: "m", Environment: "production", Baseline: "v1", Canary: "v2", Profile: "istio", Block: 60, Since: time.Unix(0, 0), Until: time.Unix(3600, 0), Notes: []string{"a | b"}, Report: report}
	var text, markdown bytes.Buffer
	require.NoError(t, a.WriteText(&text))
	require.NoError(t, a.WriteMarkdown(&markdown))
	for _, want := range []string{"m in production: PASS of v2 against v1", "errors (limit)", "no data", "+20 %", "(aborts)"} {
		assert.Contains(t, text.String(), want)
		assert.Contains(t, markdown.String(), want)
	}
	for line := range strings.Lines(markdown.String()) {
		if strings.HasPrefix(line, "|") {
			assert.Equal(t, 9, strings.Count(line, "|"), line)
		}
	}
	_, err := json.Marshal(a)
	require.NoError(t, err)
}
