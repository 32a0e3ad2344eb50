package cases

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// every is a load with a request each hundredth of a second from one second to another, of which each tenth is the
// new revision's; those fail from a second on until another.
func every(start time.Time, from, until, bad, good float64) load.Answers {
	var answers load.Answers
	for i := int(from * 100); i < int(until*100); i++ {
		answer := load.Answer{At: seconds(start, float64(i)/100), Pod: "v1-a"}
		if i%10 == 0 {
			answer.Pod = "v2-a"
			if s := float64(i) / 100; s >= bad && s < good {
				answer.Pod, answer.Err, answer.Status = "", errors.New("status 503"), 503
			}
		}
		answers = append(answers, answer)
	}
	return answers
}

// TestJudge has a trial that shares from second 4 and goes back at second 10.
func TestJudge(t *testing.T) {
	t.Parallel()
	start := time.Now().Add(-time.Minute)
	lost := func(from, until float64, n int) load.Answers {
		var answers load.Answers
		for i := range n {
			answers = append(answers, load.Answer{At: seconds(start, from+(until-from)*float64(i)/float64(n)), Err: errors.New("lost")})
		}
		return answers
	}
	fine := every(start, 0, 15, 4, 10.5)
	for name, c := range map[string]struct {
		answers load.Answers
		stable  int
		want    string
	}{
		"its weight":            {answers: fine},
		"at once over":          {answers: every(start, 0, 15, 4, 10)},
		"nothing":               {answers: every(start, 0, 15, 4, 4), want: "nothing was measured"},
		"no load":               {want: "nothing was measured"},
		"without weight":        {answers: every(start, 0, 15, 1, 10), want: "at weight 0"},
		"more than its weight":  {answers: append(lost(5, 9, 80), fine...), want: "at weight 10"},
		"the first revision's":  {answers: fine, stable: 1, want: "the first revision got"},
		"never over":            {answers: every(start, 0, 15, 4, 15), want: "after the way back"},
		"over too late":         {answers: every(start, 0, 40, 4, 30), want: "after the way back"},
		"once more, later":      {answers: append(lost(14, 15, 1), fine...), want: "times later"},
		"a load that ends soon": {answers: every(start, 0, 11, 4, 10.5), want: "after the way back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &Env{Out: io.Discard}
			err := e.judge(fault{name: "a fault", hurts: load.Answer.Failed}, trial{
				answers: c.answers, shared: seconds(start, 3.5), from: seconds(start, 4), back: seconds(start, 10),
				before: counted{stable: counters{serverErrors: 2}}, after: counted{stable: counters{serverErrors: 2 + c.stable}},
			})
			if c.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.want)
			assert.True(t, isViolated(err))
		})
	}
}

// TestWasLeftOut has a replica that fails from second 4 on.
func TestWasLeftOut(t *testing.T) {
	t.Parallel()
	start := time.Now().Add(-time.Minute)
	fine := every(start, 0, 10, 4, 4.5)
	alone := slices.DeleteFunc(every(start, 0, 10, 4, 4.5), func(a load.Answer) bool { return a.Pod == "v2-a" })
	for name, c := range map[string]struct {
		answers load.Answers
		out     int
		want    string
	}{
		"left out":             {fine, 1, ""},
		"nothing failed":       {every(start, 0, 10, 4, 4), 1, "nothing was measured"},
		"not ejected":          {fine, 0, "was ejected"},
		"goes on":              {every(start, 0, 10, 4, 10), 1, "longer than"},
		"late":                 {every(start, 0, 14, 4, 9.5), 1, "longer than"},
		"once more":            {append(load.Answers{{At: seconds(start, 9), Err: errors.New("lost")}}, fine...), 1, "longer than"},
		"nobody answers there": {alone, 1, "answered any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &Env{Out: io.Discard}
			err := e.wasLeftOut(c.answers, "v2-b", "v2.llm.svc.cluster.local", c.out)
			if c.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.want)
			assert.True(t, isViolated(err))
		})
	}
}

// TestOnlyStatus tells another failure from the one that a fault makes.
func TestOnlyStatus(t *testing.T) {
	t.Parallel()
	unavailable := load.Answer{Status: 503, Err: errors.New("no healthy upstream")}
	assert.NoError(t, trial{answers: load.Answers{{Status: 200}, unavailable}}.onlyStatus(503))
	err := trial{answers: load.Answers{unavailable, {Err: errors.New("EOF")}}}.onlyStatus(503)
	assert.ErrorContains(t, err, "EOF")
	assert.True(t, isViolated(err))
}
