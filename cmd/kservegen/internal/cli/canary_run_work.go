package cli

import (
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/spec"
)

// work is what a run of a document is about, wherever the shares are.
func (o *runOptions) work(m *spec.Deployment, environment string) (*work, error) {
	w := &work{model: m}
	var err error
	if w.target, err = environmentOf(m, environment); err != nil {
		return nil, err
	}
	ends, err := o.ends(m, w.target)
	if err != nil {
		return nil, err
	}
	if w.config, err = o.config(m, w.target, ends); err != nil {
		return nil, err
	}
	w.analyst = metrics.Analyst{Profile: metrics.Profile(o.profile), Block: o.block, Gate: o.gate}
	if w.analyst.Pair, err = pairOf(w.target, ends.From, ends.To); err != nil {
		return nil, err
	}
	if w.analyst.From, err = o.access.Dial(); err != nil {
		return nil, usageError{err}
	}
	return w, nil
}
