package gate

import "time"

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

// Verdict of a metric or of all.
type Verdict string

// Verdicts.
const (
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
	Undecided Verdict = "not enough data"
)
