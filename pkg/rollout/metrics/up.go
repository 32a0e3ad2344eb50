package metrics

import (
	"context"
	"fmt"
	"math"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Up counts the pods of a revision that Prometheus has asked for metrics lately, and those of them that answered. vLLM answers when
// its engine is loaded. A pod that Prometheus does not collect is not among them.
func Up(ctx context.Context, from Ranger, of Revision, at time.Time) (answering, known int, err error) {
	query := fmt.Sprintf("up{%s}", of.pods())
	value, warnings, err := from.QueryRange(ctx, query, v1.Range{Start: at, End: at, Step: time.Second})
	if err != nil {
		return 0, 0, fmt.Errorf("asking Prometheus for %s: %w", query, err)
	}
	if len(warnings) > 0 {
		return 0, 0, fmt.Errorf("the answer of Prometheus to %s may be incomplete: %s", query, warnings[0])
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return 0, 0, fmt.Errorf("the answer of Prometheus to %s is a %s, and not a matrix", query, value.Type())
	}
	for _, series := range matrix {
		if len(series.Values) == 0 || math.IsNaN(float64(series.Values[0].Value)) {
			continue
		}
		known++
		if series.Values[0].Value > 0 {
			answering++
		}
	}
	return answering, known, nil
}
