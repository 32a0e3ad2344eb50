package gate

import (
	"fmt"
	"math"
	"time"
)

// Count is how many of so many were events: of requests, those answered with 5xx. Without a revision's data both are 0.
type Count struct{ Events, Of float64 }

// Mean is a sum and what it is to be divided by: output tokens and answers.
type Mean struct{ Sum, Of float64 }

// Histogram has the observations of one block in each bucket, one more than there are boundaries, and the sum of their values.
type Histogram struct {
	Buckets []float64
	Sum     float64
}

// Reading is what one revision did in one block. Zero values say that nothing is known.
type Reading struct {
	// Errors are requests answered with 5xx, Aborted and Length answers that ended for these reasons, Preempted the times that
	// the engine took a request out of its batch, of the requests that ended.
	Errors, Aborted, Length, Preempted Count
	// TTFT, ITL and Queue are in seconds.
	TTFT, ITL, Queue Histogram
	// OutputTokens are tokens of answers, TokenSeconds the seconds of decoding a token, KVUsage the part of the cache in use, 0
	// to 1.
	OutputTokens, TokenSeconds, KVUsage Mean
}

// Block is what both did in the same stretch of time.
type Block struct{ Baseline, Canary Reading }

// Bounds are the upper boundaries of the histograms' buckets in seconds, ascending, without +Inf; the same for both revisions.
type Bounds struct{ TTFT, ITL, Queue []float64 }

// Data are blocks of equal length, in order.
type Data struct {
	Start  time.Time
	Block  time.Duration
	Bounds Bounds
	Blocks []Block
}

// Check says what no two revisions can have done: numbers that are none or negative, more events than requests, histograms without
// as many buckets as their boundaries make.
func (d Data) Check() error {
	for i, b := range d.Blocks {
		for who, r := range map[string]Reading{"baseline": b.Baseline, "canary": b.Canary} {
			if err := r.check(d.Bounds); err != nil {
				return fmt.Errorf("block %d of the %s: %w", i+1, who, err)
			}
		}
	}
	return nil
}

func (r Reading) check(bounds Bounds) error {
	for _, m := range all() {
		values := []float64{}
		switch {
		case m.count != nil:
			c := m.count(r)
			if !m.rate && c.Events > c.Of {
				return fmt.Errorf("%s: %g events of %g", m.name, c.Events, c.Of)
			}
			values = append(values, c.Events, c.Of)
		case m.mean != nil:
			values = append(values, m.mean(r).Sum, m.mean(r).Of)
		default:
			h := m.histogram(r)
			if n := len(h.Buckets); n > 0 && n != len(m.bounds(bounds))+1 {
				return fmt.Errorf("%s: %d buckets for %d boundaries", m.name, n, len(m.bounds(bounds)))
			}
			values = append(append(values, h.Buckets...), h.Sum)
		}
		for _, value := range values {
			if !(value >= 0) || math.IsInf(value, 0) {
				return fmt.Errorf("%s: %g is no number of anything", m.name, value)
			}
		}
	}
	return nil
}

// Verdict of a metric or of all.
type Verdict string

// Verdicts.
const (
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
	Undecided Verdict = "not enough data"
)
