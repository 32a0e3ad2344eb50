package cases

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// seconds after a moment.
func seconds(start time.Time, s float64) time.Time {
	return start.Add(time.Duration(s * float64(time.Second)))
}

// asked is a load with one request at each of these seconds; a negative one failed.
func asked(start time.Time, at ...float64) load.Answers {
	var answers load.Answers
	for _, s := range at {
		answer := load.Answer{At: seconds(start, max(s, -s))}
		if s < 0 {
			answer.Err = errors.New("lost")
		}
		answers = append(answers, answer)
	}
	return answers
}

// TestEnds has loads in which a negative number is a request that failed at that second.
func TestEnds(t *testing.T) {
	t.Parallel()
	start := time.Now()
	for name, c := range map[string]struct {
		answers load.Answers
		want    float64
		ends    bool
	}{
		"nothing fails":               {asked(start, 1, 2, 3), 0, true},
		"at once":                     {asked(start, -0.5, 1, 2, 2.5), 0.5, true},
		"what came before":            {asked(start, 0.2, 1, 2), 0, true},
		"again before it was quiet":   {asked(start, -0.5, 1, -2, 3, 4), 2, true},
		"again after it was quiet":    {asked(start, -0.5, 1, 2.5, -3, 4), 0.5, true},
		"to the end":                  {asked(start, -0.5, 1, -2, -3, 4), 3, false},
		"in another order":            {asked(start, 4, -2, 1, 3, -0.5), 2, true},
		"a load that ends before":     {asked(start, -0.5, 1), 0.5, false},
		"no load":                     {nil, 0, false},
		"quiet to the end, too short": {asked(start, 1, 1.9), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := append(load.Answers{{At: seconds(start, -1), Err: errors.New("before")}}, c.answers...)
			took, ends := hurts(load.Answer.Failed).ends(answers, start, 2*time.Second)
			assert.Equal(t, c.ends, ends)
			assert.InDelta(t, c.want, took.Seconds(), 1e-6)
		})
	}
}

// TestTooMany: a tenth may be exceeded by chance, not by much.
func TestTooMany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, k, percent int
		want          bool
	}{
		{500, 0, 10, false},
		{500, 50, 10, false},
		{500, 70, 10, false},
		{500, 85, 10, true},
		{500, 500, 100, false},
		{500, 1, 0, true},
		{20, 5, 10, false},
		{20, 12, 10, true},
	} {
		assert.Equal(t, c.want, tooMany(c.n, c.k, c.percent), "%d of %d at %d %%", c.k, c.n, c.percent)
	}
}

// TestQuantile of ten answers that took 1 to 10 seconds.
func TestQuantile(t *testing.T) {
	t.Parallel()
	var answers load.Answers
	for i := range 10 {
		answers = append(answers, load.Answer{Took: time.Duration(10-i) * time.Second})
	}
	assert.Equal(t, 6*time.Second, quantile(answers, 0.5))
	assert.Equal(t, 10*time.Second, quantile(answers, 0.99))
	assert.Equal(t, 10*time.Second, quantile(answers, 1))
	assert.Zero(t, quantile(nil, 0.5))
}
