package cases

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// The copies that the checks give, in percent of the requests, and over how many these are counted.
const (
	copiedPercent  = 20
	copiedRequests = 1000
)

// chance is how improbable a count may be that is right: it is wrong once in a million runs.
const chance = 1e-6

// Counters of a destination: requests that were sent to a pod, copies among them (Envoy collects all statistics of the
// cluster that gets them: RequestMirrorPolicy in its route_components.proto), and those that are under way.
const (
	sentRequests = "upstream_rq_total"
	underWay     = "upstream_rq_active"
)

// copiesRequests: the last revision sees its percentage of the requests, and every client gets the first one's answer.
func copiesRequests(ctx context.Context, e *Env) (err error) {
	stable, _, err := e.two()
	if err != nil {
		return err
	}
	copying, err := e.shadowing(ctx, 0, copiedPercent)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend)
	if err := copying.shadowed(ctx, 0, copiedPercent); err != nil {
		return err
	}
	answers, sent, err := e.counts(ctx)
	if err != nil {
		return err
	}
	e.Figure("copies of %d %%: %d of %d requests; a count at least as far off has the probability %.3f",
		copiedPercent, sent.since(sentRequests), len(answers), load.TwoSided(len(answers), sent.since(sentRequests), copiedPercent/100.))
	return errors.Join(nothingLost(answers), e.allReached(answers, stable), fair(len(answers), sent.since(sentRequests), copiedPercent))
}

// copiesEnd: the first share ends the copies, without a lost request. Then the last revision gets what it answers, and no more.
func copiesEnd(ctx context.Context, e *Env) (err error) {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	copying, err := e.shadowing(ctx, 0, copiedPercent)
	if err != nil {
		return err
	}
	const first = 5
	serving, err := e.shadowing(ctx, first, 0)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend)
	if err := copying.shadowed(ctx, 0, copiedPercent); err != nil {
		return err
	}
	running := e.Client(quick().Lanes).Start(ctx, quick(), longest)
	err = errors.Join(pause(ctx, calm), serving.shadowed(ctx, first, 0), pause(ctx, calm))
	during := running.Stop()
	if err = errors.Join(err, nothingLost(during)); err != nil {
		return err
	}
	answers, sent, err := e.counts(ctx)
	if err != nil {
		return err
	}
	got := len(answers.By(pods(next)))
	e.Figure("from copies of %d %% to a share of %d %%: %s; then %d requests sent and %d answered of %d", copiedPercent, first, during, sent.since(sentRequests), got, len(answers))
	if sent.since(sentRequests) != got {
		err = violated("%s got %d requests and answered %d: the rest are copies", next, sent.since(sentRequests), got)
	}
	return errors.Join(err, nothingLost(answers), fair(len(answers), got, first))
}

// copiesFail: a revision that answers 503 to every copy hurts nobody.
func copiesFail(ctx context.Context, e *Env) (err error) {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	copying, err := e.shadowing(ctx, 0, copiedPercent)
	if err != nil {
		return err
	}
	bad := answering503()
	bad.fresh = true
	failing, err := copying.with(service(next), bad)
	if err != nil {
		return err
	}
	was, err := e.template(ctx, service(next))
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.restore(ctx, service(next), was) })
	if err := failing.shadowed(ctx, 0, copiedPercent); err != nil {
		return err
	}
	if err := e.became(ctx, service(next), both(notOf(was), ready)); err != nil {
		return err
	}
	answers, sent, err := e.counts(ctx)
	if err != nil {
		return err
	}
	e.Figure("503 to copies of %d %%: %d copies failed, and %d of %d requests", copiedPercent, sent.since(serverErrors), len(answers.Failed()), len(answers))
	return errors.Join(nothingLost(answers), e.allReached(answers, stable), fair(len(answers), sent.since(serverErrors), copiedPercent))
}

// shadowing is the environment with the tree that the document renders to where the last revision has a share, in percent, and gets
// copies. It is not applied.
func (e *Env) shadowing(ctx context.Context, share, copies int) (*Env, error) {
	stable, next, err := e.two()
	if err != nil {
		return nil, err
	}
	model, err := e.model()
	if err != nil {
		return nil, err
	}
	d, err := e.ownDocument()
	if err != nil {
		return nil, err
	}
	name := func(host string) string { return strings.TrimPrefix(service(host), model+"-") }
	changed, err := d.shadowing(e.environment(), name(stable), name(next), share, copies)
	if err != nil {
		return nil, err
	}
	own := *e
	own.Tree, err = e.rendered(ctx, changed)
	return &own, err
}

// shadowing is the document where, in an environment, one revision has a share and gets copies, the other one has the rest, and no
// other anything.
func (d document) shadowing(environment, stable, next string, share, copies int) (document, error) {
	changed := d.clone()
	holder := changed.Spec
	environments, _ := changed.Spec["environments"].([]any)
	for _, one := range environments {
		if own, is := one.(map[string]any); is && own["name"] == environment {
			holder = own
		}
	}
	traffic, _ := holder["traffic"].([]any)
	if traffic == nil {
		traffic, _ = d.clone().Spec["traffic"].([]any)
	}
	weights, found := map[string]int{stable: everything - share, next: share}, 0
	for _, one := range traffic {
		entry, is := one.(map[string]any)
		if !is {
			continue
		}
		revision, _ := entry["revision"].(string)
		weight, is := weights[revision]
		if is {
			found++
		}
		entry["weight"] = int64(weight)
		delete(entry, "mirror")
		if revision == next && copies > 0 {
			entry["mirror"] = int64(copies)
		}
	}
	if found != len(weights) {
		return document{}, lacks("no traffic of %s and %s in its document", stable, next)
	}
	holder["traffic"] = traffic
	return changed, nil
}

// everything is the weight of a revision that gets all requests.
const everything = 100

// shadowed applies a planned tree, and waits until the Envoy at the entrance shares and copies like this.
func (e *Env) shadowed(ctx context.Context, share, copies int) error {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	if err := e.Apply(ctx, e.Tree.Dir); err != nil {
		return err
	}
	if err := e.routed(ctx, e.shares(tree.Shares{stable: everything - share, next: share})); err != nil {
		return err
	}
	want := map[string]float64{next: float64(copies)}
	if copies == 0 {
		clear(want)
	}
	return eventually(ctx, fmt.Sprintf("the entrance to copy %v", want), func(ctx context.Context) error {
		have, err := e.envoyCopies(ctx)
		if err == nil && !maps.Equal(have, want) {
			err = fmt.Errorf("it copies %v", have)
		}
		return err
	})
}

// mirrorPolicy is envoy.config.route.v3.RouteAction.RequestMirrorPolicy.
type mirrorPolicy struct {
	Cluster         string
	RuntimeFraction struct {
		DefaultValue struct {
			Numerator   float64
			Denominator string
		} `json:"default_value"`
	} `json:"runtime_fraction"`
}

// percent of the requests; Envoy leaves the denominator out where it is a hundred.
func (m mirrorPolicy) percent() float64 {
	value := m.RuntimeFraction.DefaultValue
	switch value.Denominator {
	case "TEN_THOUSAND":
		return value.Numerator / 100
	case "MILLION":
		return value.Numerator / 10000
	}
	return value.Numerator
}

// envoyCopies is what the rule for everyone copies, in percent by host, at the Envoy at the entrance.
func (e *Env) envoyCopies(ctx context.Context) (map[string]float64, error) {
	found, err := e.envoyRoutes(ctx)
	if err != nil {
		return nil, err
	}
	copies := map[string]float64{}
	for _, route := range found {
		if len(route.Match.Headers) > len(e.Tree.Header()) {
			continue
		}
		for _, mirror := range route.Route.Mirrors {
			copies[clusterHost(mirror.Cluster)] = mirror.percent()
		}
	}
	return copies, nil
}

// sending is what the entrance counted of the last revision before and after a load.
type sending struct{ before, after counters }

func (s sending) since(name string) int { return s.after.since(s.before, name) }

// counts runs a load of questions, and counts what was sent to the last revision meanwhile, to its end: copies may be under way
// when the originals are answered.
func (e *Env) counts(ctx context.Context) (load.Answers, sending, error) {
	_, next, err := e.two()
	if err != nil {
		return nil, sending{}, err
	}
	var s sending
	if s.before, err = e.idle(ctx, next); err != nil {
		return nil, s, err
	}
	const lanes = 16
	answers := e.Client(lanes).Run(ctx, load.Plan{Requests: copiedRequests, Lanes: lanes, Request: load.Request{Tokens: 2}})
	s.after, err = e.idle(ctx, next)
	return answers, s, err
}

// idle waits until nothing is under way to a host, and returns its counters.
func (e *Env) idle(ctx context.Context, host string) (found counters, err error) {
	err = eventually(ctx, "the entrance to have nothing under way to "+host, func(ctx context.Context) error {
		var err error
		if found, err = e.counters(ctx, host); err == nil && found[underWay] > 0 {
			err = fmt.Errorf("%d requests are", found[underWay])
		}
		return err
	})
	return found, err
}

// fair wants a count to be one that a percentage of independent requests explains.
func fair(n, got, percent int) error {
	if p := load.TwoSided(n, got, float64(percent)/everything); n == 0 || p < chance {
		return violated("%d of %d requests are not %d percent: the probability is %.1g", got, n, percent, p)
	}
	return nil
}
