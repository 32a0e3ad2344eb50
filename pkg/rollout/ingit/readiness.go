package ingit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Question is about the revision that takes over.
type Question struct {
	Target spec.Target
	Ends   steps.Ends
	// Gets is what Git gives it: a share, or copies.
	Gets spec.Phase
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

// InCluster asks a cluster, which must be the one that the environment is applied to.
type InCluster struct {
	Cluster interface {
		Read(ctx context.Context, namespace, model string) (live.Model, error)
	}
}

// Ask says whether the revision's replicas answer, and whether the cluster has the share that Git gives it: until then nobody has
// seen it.
func (c InCluster) Ask(ctx context.Context, q Question) (Answer, error) {
	model, err := c.Cluster.Read(ctx, q.Target.Namespace, q.Target.Name)
	if err != nil {
		return Answer{}, err
	}
	revision, _ := model.Find(q.Ends.To)
	if revision.Weight != nil {
		has := spec.Phase{Shadow: revision.Mirror, Weight: *revision.Weight}
		if has != q.Gets {
			return Answer{Why: fmt.Sprintf("the cluster gives %s %s and Git %s: what applies the tree (Flux, Argo CD) has not done so yet", q.Ends.To, words(has), words(q.Gets))}, nil
		}
	}
	ready, down := revision.Serves(q.Target)
	return Answer{Ready: ready, Why: strings.TrimSuffix(revision.Reason, "."), Down: down}, nil
}

// InPrometheus asks whether Prometheus collects the revision's pods. It knows those that are there, and not how many should be; and
// that it cannot collect them does not say that they do not serve, so that it never says that the revision is down.
type InPrometheus struct {
	From metrics.Ranger
	// Revision is what the series of the one that takes over are known by.
	Revision metrics.Revision
	Now      func() time.Time
}

// Ask says that it is ready where all of its pods that Prometheus knows were collected at the last scrape, and there is one.
func (p InPrometheus) Ask(ctx context.Context, _ Question) (Answer, error) {
	answering, known, err := metrics.Up(ctx, p.From, p.Revision, p.Now())
	switch {
	case err != nil:
		return Answer{}, err
	case known == 0:
		return Answer{Why: fmt.Sprintf("Prometheus collects no pod of %s", p.Revision.Name)}, nil
	case answering < known:
		return Answer{Why: fmt.Sprintf("%d of %d pods of %s answer Prometheus", answering, known, p.Revision.Name)}, nil
	}
	return Answer{Ready: true}, nil
}

// Unchecked takes a revision for ready, for where neither a cluster nor Prometheus can be asked. The gate still finds one that
// fails.
type Unchecked struct{}

// Ask answers that it is ready.
func (Unchecked) Ask(context.Context, Question) (Answer, error) { return Answer{Ready: true}, nil }
