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

	"github.com/kservegen/kservegen/pkg/rollout/metrics"
)

type upAnswer struct {
	query    string
	value    model.Value
	warnings v1.Warnings
	err      error
}

func (a *upAnswer) QueryRange(_ context.Context, query string, _ v1.Range, _ ...v1.Option) (model.Value, v1.Warnings, error) {
	a.query = query
	return a.value, a.warnings, a.err
}

// TestUp: only pods that were asked count, and an answer that is none is an error.
func TestUp(t *testing.T) {
	t.Parallel()
	series := func(values ...model.SampleValue) model.Matrix {
		var m model.Matrix
		for _, v := range values {
			m = append(m, &model.SampleStream{Values: []model.SamplePair{{Value: v}}})
		}
		return m
	}
	of := metrics.Revision{Name: "v2", Model: "m", Namespace: "llm"}
	asked := &upAnswer{value: series(1, 0, 1)}
	answering, known, err := metrics.Up(t.Context(), asked, of, time.Now())
	require.NoError(t, err)
	assert.Equal(t, [2]int{2, 3}, [2]int{answering, known})
	assert.Equal(t, `up{namespace="llm", kservegen_dev_model="m", kservegen_dev_revision="v2"}`, asked.query)

	_, known, err = metrics.Up(t.Context(), &upAnswer{value: model.Matrix{}}, of, time.Now())
	require.NoError(t, err)
	assert.Zero(t, known)
	for _, wrong := range []*upAnswer{{err: errors.New("no")}, {value: series(1), warnings: v1.Warnings{"a store is away"}}, {value: model.Vector{}}} {
		_, _, err = metrics.Up(t.Context(), wrong, of, time.Now())
		require.Error(t, err)
	}
}
