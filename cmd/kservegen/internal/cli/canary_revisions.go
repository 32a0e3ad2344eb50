package cli

import (
	"context"
	"strings"

	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/spec"
)

// target is the environment.
func (o *analyzeOptions) target(ctx context.Context, s Streams) (spec.Target, error) {
	deployments, err := o.documents.load(ctx, s.In)
	if err != nil {
		return spec.Target{}, err
	}
	if len(deployments) != 1 {
		return spec.Target{}, usagef("one document is analyzed at a time, and these are %d", len(deployments))
	}
	d := deployments[0]
	names := make([]string, 0, len(d.Environments))
	for _, target := range d.Environments {
		if target.Environment == o.env || o.env == "" && len(d.Environments) == 1 {
			return target, nil
		}
		names = append(names, target.Environment)
	}
	if o.env == "" {
		return spec.Target{}, usagef("which environment of %s? --env %s", d.File, strings.Join(names, ", "))
	}
	return spec.Target{}, usagef("%s has no environment %q; it has %s", d.File, o.env, strings.Join(names, ", "))
}

// pair are the two revisions.
func (o *analyzeOptions) pair(t spec.Target) (pair metrics.Pair, err error) {
	baseline, canary := o.baseline, o.canary
	if baseline == "" {
		if baseline = t.Stable().Name; baseline == canary {
			baseline = ""
		}
	}
	var others []string
	for _, r := range t.Revisions {
		if r.Name != baseline && r.Name != canary {
			others = append(others, r.Name)
		}
	}
	for _, missing := range []*string{&canary, &baseline} {
		if *missing == "" && len(others) == 1 {
			*missing, others = others[0], nil
		}
	}
	if canary == "" || baseline == "" {
		return pair, usagef("which revisions of %s are compared in %s? --canary and --baseline name them, of %s", t.Name, t.Environment, strings.Join(revisionNames(t), ", "))
	}
	if canary == baseline {
		return pair, usagef("--canary and --baseline are both %s", canary)
	}
	if pair.Baseline, err = revisionOf(t, baseline); err != nil {
		return pair, err
	}
	pair.Canary, err = revisionOf(t, canary)
	return pair, err
}

func revisionNames(t spec.Target) []string {
	names := make([]string, 0, len(t.Revisions))
	for _, r := range t.Revisions {
		names = append(names, r.Name)
	}
	return names
}

func revisionOf(t spec.Target, name string) (metrics.Revision, error) {
	for _, r := range t.Revisions {
		if r.Name == name {
			return metrics.Of(t, r, kserve.NewBuilder().Pinned)
		}
	}
	return metrics.Revision{}, usagef("%s has no revision %s in %s; it has %s", t.Name, name, t.Environment, strings.Join(revisionNames(t), ", "))
}
