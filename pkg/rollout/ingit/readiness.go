package ingit

import (
	"context"

	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Question is about the revision that takes over.
type Question struct {
	Target spec.Target
	Ends   steps.Ends
	// Share that Git gives it.
	Share int
}

// Answer says whether it can have more requests.
type Answer struct {
	Ready bool
	// Why it is not ready.
	Why string
	// Down is set where nothing answers although something should.
	Down bool
}

// Readiness knows it: Git does not.
type Readiness interface {
	Ask(ctx context.Context, q Question) (Answer, error)
}

// Unchecked takes a revision for ready, for where neither a cluster nor Prometheus can be asked. The gate still finds one that
// fails.
type Unchecked struct{}

// Ask answers that it is ready.
func (Unchecked) Ask(context.Context, Question) (Answer, error) { return Answer{Ready: true}, nil }
