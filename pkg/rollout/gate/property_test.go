package gate

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawData makes blocks of anything that two revisions can have done, calm or mad.
func drawData(t *rapid.T) Data {
	bounds := []float64{.1, .25, .5}
	number := func(name string, most int) float64 { return float64(rapid.IntRange(0, most).Draw(t, name)) }
	count := func(name string) Count {
		of := rapid.IntRange(0, 60).Draw(t, name)
		return Count{float64(rapid.IntRange(0, of).Draw(t, name+" events")), float64(of)}
	}
	mean := func(name string) Mean { return Mean{number(name, 1000), number(name+" of", 30)} }
	histogram := func(name string) Histogram {
		if rapid.Bool().Draw(t, name+" missing") {
			return Histogram{}
		}
		h := Histogram{Sum: number(name+" sum", 100)}
		for range len(bounds) + 1 {
			h.Buckets = append(h.Buckets, number(name, 40))
		}
		return h
	}
	reading := func() Reading {
		return Reading{
			Errors: count("errors"), Aborted: count("aborted"), Length: count("length"), Preempted: Count{number("preempted", 200), number("finished", 60)},
			TTFT: histogram("ttft"), ITL: histogram("itl"), Queue: histogram("queue"),
			OutputTokens: mean("tokens"), TokenSeconds: mean("seconds"), KVUsage: Mean{rapid.Float64Range(0, 1).Draw(t, "usage"), 1},
		}
	}
	data := Data{Block: time.Minute, Bounds: Bounds{bounds, bounds, bounds}}
	for range rapid.IntRange(0, 40).Draw(t, "blocks") {
		data.Blocks = append(data.Blocks, Block{reading(), reading()})
	}
	return data
}

// TestAnyData: whatever came, there is a verdict with its reasons, probabilities are probabilities, and JSON can hold it.
func TestAnyData(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		config := Defaults()
		config.WarmUp, config.MinRequests = rapid.IntRange(0, 5).Draw(t, "warm-up"), rapid.IntRange(1, 50).Draw(t, "requests")
		report, err := Judge(drawData(t), config)
		require.NoError(t, err)
		require.Contains(t, []Verdict{Pass, Fail, Undecided}, report.Verdict)
		require.NotEmpty(t, report.Reasons)
		for _, m := range report.Metrics {
			require.True(t, m.Worse >= 0 && m.Worse <= 1 && m.Fine >= 0 && m.Fine <= 1, "%+v", m)
		}
		_, err = json.Marshal(report)
		require.NoError(t, err)
	})
}

// TestACopyNeverFails: a canary that did just what the baseline did is not worse, however mad both are; a canary without a request
// never passes.
func TestACopyNeverFails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := drawData(t)
		for i := range data.Blocks {
			data.Blocks[i].Canary = data.Blocks[i].Baseline
		}
		report, err := Judge(data, Defaults())
		require.NoError(t, err)
		require.NotEqual(t, Fail, report.Verdict, report.Reasons)
		for i := range data.Blocks {
			data.Blocks[i].Canary = Reading{}
		}
		report, err = Judge(data, Defaults())
		require.NoError(t, err)
		require.Equal(t, Undecided, report.Verdict, report.Reasons)
	})
}
