package gate

import (
	"fmt"
	"slices"
)

// Judge says whether the canary may go on.
func Judge(data Data, config Config) (Report, error) {
	if err := config.Check(); err != nil {
		return Report{}, err
	}
	if err := data.Check(); err != nil {
		return Report{}, err
	}
	excluded, calibrated := calibration(data, config)
	judged := data.Blocks[excluded:]
	report := Report{Verdict: Undecided, Blocks: len(judged), Excluded: excluded}
	report.Baseline, report.Canary = requests(judged, baselineOf)[len(judged)], requests(judged, canaryOf)[len(judged)]
	tests, err := plan(data, excluded, config)
	if err != nil {
		return report, err
	}
	for _, t := range tests {
		report.Metrics = append(report.Metrics, t.judge(len(judged)))
	}
	report.conclude(config, calibrated)
	return report, nil
}

// longest is how many blocks after the warm-up the test waits at most for the baseline to show what is usual.
const longest = 30

// calibration is how many blocks at the beginning are not judged: the warm-up, and as long as the baseline has not answered
// enough requests to say which boundaries of its histograms tell something. What is chosen by them is not tested on them. It
// looks at the baseline alone, and never ahead.
func calibration(data Data, config Config) (blocks int, calibrated bool) {
	seen := 0.0
	for i, b := range data.Blocks {
		seen += b.Baseline.TTFT.count()
		if i+1 >= config.WarmUp && seen >= float64(config.MinRequests) {
			return i + 1, true
		}
		if i+1 >= config.WarmUp+longest {
			return i + 1, false
		}
	}
	return len(data.Blocks), false
}

func canaryOf(b Block) Reading   { return b.Canary }
func baselineOf(b Block) Reading { return b.Baseline }

// requests are how many a revision answered in the first n blocks: those with an answer, or else those with a first token. What the
// gateway and what the servers count is collected at different moments, so that a request may be in one block here and in the next
// one there: only totals can be compared.
func requests(blocks []Block, of func(Block) Reading) []float64 {
	first, answers, tokens := make([]float64, len(blocks)+1), 0.0, 0.0
	for i, b := range blocks {
		answers += of(b).Errors.Of
		tokens += of(b).TTFT.count()
		first[i+1] = max(answers, tokens)
	}
	return first
}

// reached is after how many blocks a revision has answered so many requests; one more than there are where it has not.
func reached(blocks []Block, want float64, of func(Block) Reading) int {
	for n, seen := range requests(blocks, of) {
		if n > 0 && seen >= want {
			return n
		}
	}
	return len(blocks) + 1
}

// conclude makes one verdict of those on the metrics: any failure fails, and all that is required passes.
func (r *Report) conclude(config Config, calibrated bool) {
	for _, m := range r.Metrics {
		if m.Verdict == Fail {
			r.Verdict = Fail
			r.Reasons = append(r.Reasons, m.why())
		}
	}
	if r.Verdict == Fail {
		return
	}
	r.Reasons = r.lacks(config, calibrated)
	if len(r.Reasons) == 0 {
		r.Verdict = Pass
		r.Reasons = []string{"everything that must pass did"}
	}
}

// lacks says what a pass still needs.
func (r *Report) lacks(config Config, calibrated bool) []string {
	lacking := []string{}
	if !calibrated {
		return append(lacking, fmt.Sprintf("the baseline answered fewer than %d requests before the test could begin", config.MinRequests))
	}
	for _, one := range []struct {
		name     string
		requests float64
	}{{"baseline", r.Baseline}, {"canary", r.Canary}} {
		if one.requests < float64(config.MinRequests) {
			lacking = append(lacking, fmt.Sprintf("the %s answered %.0f requests after the warm-up, and %d are needed", one.name, one.requests, config.MinRequests))
		}
	}
	for _, m := range r.Metrics {
		if m.Required && m.Verdict != Pass {
			lacking = append(lacking, m.open())
		}
	}
	if !slices.ContainsFunc(r.Metrics, func(m Result) bool { return m.Required }) {
		lacking = append(lacking, "nothing that must pass is judged")
	}
	return lacking
}

func (m Result) why() string {
	seen := amount(m.Canary, m.Unit)
	if m.Limit != nil {
		return fmt.Sprintf("%s is %s, and may be %s (p %.2g)", m.label(), seen, m.allowed(), m.Worse)
	}
	return fmt.Sprintf("%s is %s and the baseline's %s, worse than by chance (p %.2g)", m.label(), seen, amount(m.Baseline, m.Unit), m.Worse)
}

func (m Result) open() string {
	if m.Canary == nil || m.Limit == nil && m.Baseline == nil {
		return fmt.Sprintf("%s has no data", m.label())
	}
	return fmt.Sprintf("%s could still be too bad (p %.2g)", m.label(), m.Fine)
}

func (m Result) label() string {
	if m.Limit != nil {
		return fmt.Sprintf("%s (limit)", m.Name)
	}
	return m.Name
}
