package metrics_test

import (
	"context"
	"errors"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
)

// empty has no series, and remembers what it was asked for.
type empty struct {
	asked []v1.Range
	err   error
}

func (e *empty) QueryRange(_ context.Context, _ string, r v1.Range, _ ...v1.Option) (model.Value, v1.Warnings, error) {
	e.asked = append(e.asked, r)
	return model.Matrix{}, nil, e.err
}

func analyst(from metrics.Ranger) metrics.Analyst {
	return metrics.Analyst{
		From: from, Profile: metrics.VLLM, Block: time.Minute, Gate: gate.Defaults(),
		Pair: metrics.Pair{Baseline: metrics.Revision{Name: "v1", Model: "m", Namespace: "llm"}, Canary: metrics.Revision{Name: "v2", Model: "m", Namespace: "llm"}},
	}
}

func TestAnalystWaitsForTheWarmUp(t *testing.T) {
	t.Parallel()
	from, since := &empty{}, time.Unix(1000, 0)
	for _, age := range []time.Duration{-time.Hour, 0, time.Minute, 6*time.Minute - time.Second} {
		report, err := analyst(from).Analyze(t.Context(), since, since.Add(age))
		require.NoError(t, err)
		assert.Equal(t, gate.Undecided, report.Verdict)
		assert.Equal(t, []string{"warming up until 1970-01-01T00:22:40Z"}, report.Reasons)
	}
	assert.Empty(t, from.asked)
	report, err := analyst(from).Analyze(t.Context(), since, since.Add(6*time.Minute))
	require.NoError(t, err)
	assert.Equal(t, gate.Undecided, report.Verdict, "without data")
	assert.Equal(t, v1.Range{Start: since, End: since.Add(6 * time.Minute), Step: time.Minute}, from.asked[0])
}

// TestAnalystBeginsAnew: a share that stands for days is looked at for its last six to twelve hours, from times that a later look
// has, too.
func TestAnalystBeginsAnew(t *testing.T) {
	t.Parallel()
	since := time.Unix(1000, 0)
	for minutes, start := range map[int]time.Duration{
		6: 0, 720: 0, 721: 6 * time.Hour, 1079: 6 * time.Hour, 1080: 12 * time.Hour, 1439: 12 * time.Hour, 3000: 42 * time.Hour,
	} {
		from := &empty{}
		_, err := analyst(from).Analyze(t.Context(), since, since.Add(time.Duration(minutes)*time.Minute))
		require.NoError(t, err)
		assert.Equal(t, v1.Range{Start: since.Add(start), End: since.Add(time.Duration(minutes) * time.Minute), Step: time.Minute}, from.asked[0])
	}
}

func TestAnalystWithoutAnswer(t *testing.T) {
	t.Parallel()
	since := time.Unix(1000, 0)
	_, err := analyst(&empty{err: errors.New("gone")}).Analyze(t.Context(), since, since.Add(time.Hour))
	require.ErrorContains(t, err, "gone")
}

func TestAnalystSaysWhatItWouldAsk(t *testing.T) {
	t.Parallel()
	from := &empty{}
	queries, err := analyst(from).Queries(t.Context())
	require.NoError(t, err)
	assert.Empty(t, from.asked)
	assert.Contains(t, queries, `sum by (pod) (vllm:num_preemptions_total{namespace="llm", kservegen_dev_model="m", kservegen_dev_revision="v2"})`)
}
