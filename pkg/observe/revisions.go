package observe

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// enough is how many requests of each revision are compared: a p95 of a hundred has five above it.
	enough = 100
	// worse is how many times the best revision's figure is worse, and not noise.
	worse = 1.5
	// failsMore is what the share of failed requests may be above the best's, besides.
	failsMore = 0.01
	// noticed is the part of an objective that a difference in time has to be: ten milliseconds instead of five is nothing.
	noticed = 0.1
)

// revisions are the alerts about one revision beside the best of the others. Alone, a revision is the best.
func (q queries) revisions(o spec.Objectives) []alert {
	const what = " Send it no more of the requests, or none, and compare the two in the dashboard. Requests that a tester or a mirror sends count as any."
	return []alert{
		{
			name: "LLMRevisionFailsMore", severity: warning, lasts: "5m",
			expression:  q.worse(failedRatio, requestsIncrease, failsMore),
			summary:     q.target.Name + ": " + q.ofRevision() + " fails more often than another one.",
			description: "{{ $value | humanizePercentage }} of its requests were answered with 5xx in half an hour." + what,
		},
		{
			name: "LLMRevisionStartsSlower", severity: warning, lasts: "5m",
			expression:  q.worse(firstQuantile, answersIncrease, noticed*spec.Seconds(o.TTFT)),
			summary:     q.target.Name + ": " + q.ofRevision() + " takes longer to the first token than another one.",
			description: "Its p95 of half an hour is {{ $value | humanizeDuration }}. A new revision has an empty prefix cache at first." + what,
		},
		{
			name: "LLMRevisionStreamsSlower", severity: warning, lasts: "5m",
			expression:  q.worse(betweenQuantile, answersIncrease, noticed*spec.Seconds(o.ITL)),
			summary:     q.target.Name + ": " + q.ofRevision() + " takes longer from token to token than another one.",
			description: "Its p95 of half an hour is {{ $value | humanizeDuration }}." + what,
		},
	}
}

// worse is a figure that is so many times the best one's and more than a difference above it, of revisions with enough samples.
func (q queries) worse(figure, samples string, difference float64) string {
	sampled := fmt.Sprintf("(%s%s and on (%s) %s%s >= %d)", figure, q.selector(), q.revision, samples, q.selector(), enough)
	return fmt.Sprintf("%s\n> on () group_left () (\n  min(%s) * %s + %s\n)", sampled, sampled, number(worse), number(difference))
}
