package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
)

// Longest is how many blocks are looked at: twelve hours of minutes. Of more the arithmetic takes minutes, and Prometheus answers
// with 11,000 values at most (web/api/v1/api.go).
const Longest = 720

// Analyst judges a canary by what a Prometheus has of it since a share was given.
type Analyst struct {
	From    Ranger
	Profile Profile
	Pair    Pair
	// Block is what the time is cut into.
	Block time.Duration
	Gate  gate.Config
}

// Analyze judges the whole blocks between two times; the end of a span that is not one block longer than the warm-up is not enough
// data. A share that stands for longer than Longest blocks is judged by a new test every half of that, which a later look at the
// same share begins at the same time.
func (a Analyst) Analyze(ctx context.Context, since, until time.Time) (gate.Report, error) {
	span := a.span(since, until)
	if span.Blocks <= a.Gate.WarmUp {
		warm := span.Start.Add(time.Duration(a.Gate.WarmUp+1) * a.Block)
		return gate.Report{Verdict: gate.Undecided, Excluded: max(0, span.Blocks), Reasons: []string{"warming up until " + warm.UTC().Format(time.RFC3339)}}, nil
	}
	bounded, cancel := context.WithTimeout(ctx, max(a.Block, least))
	defer cancel()
	read, err := Read(bounded, a.From, a.Profile, a.Pair, span)
	switch {
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return gate.Report{}, fmt.Errorf("no answer of Prometheus within %s: %w", max(a.Block, least), err)
	case err != nil:
		return gate.Report{}, err
	}
	if err := read.Data.Check(); err != nil {
		return gate.Report{}, fmt.Errorf("what Prometheus has cannot be: %w", err)
	}
	return gate.Judge(read.Data, a.Gate)
}

// least is what all queries of a look get together, however short the blocks are.
const least = 10 * time.Second

func (a Analyst) span(since, until time.Time) Span {
	s := Span{Start: since, Block: a.Block, Blocks: int(until.Sub(since) / a.Block)}
	if half := Longest / 2; s.Blocks > Longest {
		over := (s.Blocks - half) / half * half
		s.Start, s.Blocks = s.Start.Add(time.Duration(over)*a.Block), s.Blocks-over
	}
	return s
}

// Queries are what Prometheus would be asked, in the order of asking.
func (a Analyst) Queries(ctx context.Context) ([]string, error) {
	asked := &listener{}
	_, err := Read(ctx, asked, a.Profile, a.Pair, Span{Start: time.Unix(0, 0), Block: a.Block, Blocks: 1})
	return asked.queries, err
}

// listener has no series of anything.
type listener struct{ queries []string }

func (l *listener) QueryRange(_ context.Context, query string, _ v1.Range, _ ...v1.Option) (model.Value, v1.Warnings, error) {
	l.queries = append(l.queries, query)
	return model.Matrix{}, nil, nil
}
