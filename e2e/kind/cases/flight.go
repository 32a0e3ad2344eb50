package cases

import (
	"time"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// death is when a pod was killed: between the call and its return.
type death struct {
	from, until time.Time
	// unnoticed is how long the mesh may go on asking the pod, tolerated how many requests it may lose by that.
	unnoticed time.Duration
	tolerated int
}

// toll is what a death cost.
type toll struct {
	// busy is how many requests the pod was answering, lost those of them, and of requests in flight whose pod
	// isn't known, that failed.
	busy, lost int
	// unknown are of the lost those without an answer: nobody knows which pod was asked.
	unknown int
	// late are failures of requests that came afterwards, last the latest of them, begun all that came until then.
	late, begun int
	last        time.Duration
	// before are failures of requests that had ended, or whose pod lived.
	before int
}

// count sorts the answers of a load by what the death of the pod has to do with them.
func (d death) count(answers load.Answers, pod string) toll {
	var t toll
	for _, answer := range answers {
		end := answer.At.Add(answer.Took)
		inFlight := answer.At.Before(d.until) && end.After(d.from)
		mine := answer.Pod == pod
		switch {
		case inFlight && mine:
			t.busy++
			if answer.Failed() {
				t.lost++
			}
		case inFlight && answer.Failed() && answer.Pod == "":
			t.lost++
			t.unknown++
		case !answer.At.Before(d.until) && answer.Failed():
			t.late++
			t.last = max(t.last, answer.At.Sub(d.until))
		case answer.Failed():
			t.before++
		}
	}
	t.begun = len(answers.Between(d.until, d.until.Add(d.unnoticed)))
	return t
}

// beforeHeaders is how long a request is without an answer's header in the simulator (time to first token) and a
// bit: a pod cannot have more of those than came to all pods in that time.
const beforeHeaders = 500 * time.Millisecond

// withinFlight compares what was lost with what the pod was answering when it died.
func (e *Env) withinFlight(answers load.Answers, pod string, d death) error {
	t := d.count(answers, pod)
	e.Figure("it was busy with %d requests, lost were %d of them and %d that had no answer yet; of those that came later %d of %d, the last %.1f s later",
		t.busy, t.lost-t.unknown, t.unknown, t.late, t.begun, t.last.Seconds())
	asked := len(answers.Between(d.from.Add(-beforeHeaders), d.until))
	switch {
	case t.busy == 0:
		return violated("pod %s was busy with nothing when it died: nothing was measured", pod)
	case t.before > 0:
		return violated("%d requests failed that had nothing to do with pod %s: %v", t.before, pod, answers.Err())
	case t.unknown > asked:
		return violated("%d requests without an answer were lost, %d had been asked just before: %v", t.unknown, asked, answers.Err())
	case t.late > d.tolerated || t.last > d.unnoticed:
		return violated("%d of %d requests were lost that came up to %.1f s later: %v", t.late, t.begun, t.last.Seconds(), answers.Err())
	}
	return nil
}
