package cases

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// TestWithinFlight has loads of which one says at a glance whether a killed pod explains what was lost.
func TestWithinFlight(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	answer := func(pod string, from, took float64, failed bool) load.Answer {
		a := load.Answer{At: at(from), Took: time.Duration(took * float64(time.Second)), Pod: pod}
		if failed {
			a.Err = errors.New("lost")
		}
		return a
	}
	many := func(n int, a load.Answer) load.Answers {
		var all load.Answers
		for range n {
			all = append(all, a)
		}
		return all
	}
	busy := many(4, answer("v2-a", 5, 10, true))
	for name, c := range map[string]struct {
		answers   load.Answers
		unnoticed time.Duration
		holds     bool
	}{
		"its own":               {answers: busy, holds: true},
		"answered all the same": {answers: many(4, answer("v2-a", 5, 10, false)), holds: true},
		"busy with nothing":     {answers: many(4, answer("v2-b", 5, 10, false))},
		"one without a header":  {answers: append(many(1, answer("", 9.9, 0.2, true)), busy...), holds: true},
		"a total outage":        {answers: append(many(20, answer("", 5, 10, true)), busy...)},
		"another pod's":         {answers: append(many(1, answer("v2-b", 5, 10, true)), busy...)},
		"failures before":       {answers: append(many(50, answer("", 2, 1, true)), busy...)},
		"one that came later":   {answers: append(many(1, answer("", 11, 0.1, true)), busy...)},
		"few later, unnoticed": {
			answers:   append(append(many(2, answer("", 11, 0.1, true)), many(8, answer("v2-b", 11, 1, false))...), busy...),
			unnoticed: 5 * time.Second, holds: true,
		},
		"all later, unnoticed": {answers: append(many(8, answer("", 11, 0.1, true)), busy...), unnoticed: 5 * time.Second},
		"long afterwards": {
			answers:   append(append(many(1, answer("", 17, 0.1, true)), many(8, answer("v2-b", 11, 1, false))...), busy...),
			unnoticed: 5 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &Env{Out: io.Discard}
			err := e.withinFlight(c.answers, "v2-a", death{from: at(9.9), until: at(10.1), unnoticed: c.unnoticed, tolerated: 3})
			assert.Equal(t, c.holds, err == nil, "%v", err)
			assert.Equal(t, !c.holds, isViolated(err))
		})
	}
}
