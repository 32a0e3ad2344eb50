package cases

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// tolerance is how many points the counted share may be off.
const tolerance = 2.5

// sample is how many requests a split is counted over: 2,000, or as many as make the tolerance four standard
// deviations of a right split, so that one of those fails once in 15,000 runs.
func (e *Env) sample() int {
	n := 2000.0
	for _, share := range e.Tree.Shares() {
		p := float64(share) / 100
		n = max(n, math.Ceil(p*(1-p)*math.Pow(4*100/tolerance, 2)))
	}
	return int(n)
}

// canary: the weights are what clients get.
func canary() Case {
	return Case{Name: "canary", Checks: []Check{
		{Name: "weights", Run: splits},
		{Name: "testers", Run: testersAlways},
		{Name: "sticky", Run: sticks},
		{Name: "copies", Run: copiesRequests},
		{Name: "copies end", Run: copiesEnd},
		{Name: "copies fail", Run: copiesFail},
		{Name: "ends", Run: ends},
		{Name: "status", Run: tellsStatus},
	}}
}

// two are the first and the last revision's hosts.
func (e *Env) two() (stable, next string, err error) {
	hosts := e.hosts()
	if len(hosts) < 2 {
		return "", "", lacks("%d revisions with weights: a canary needs two", len(hosts))
	}
	return hosts[0], hosts[len(hosts)-1], nil
}

// shares gives some revisions weights, and the rest none.
func (e *Env) shares(some tree.Shares) tree.Shares {
	all := tree.Shares{}
	for _, host := range e.hosts() {
		all[host] = 0
	}
	maps.Copy(all, some)
	return all
}

// other are weights that the tree does not have: half and half for the first and the last revision, or all for the last.
func (e *Env) other(stable, next string) tree.Shares {
	half := e.shares(tree.Shares{stable: 50, next: 50})
	if equal(half, e.Tree.Shares()) {
		return e.shares(tree.Shares{next: 100})
	}
	return half
}

// hosts of the rule that shares requests, in its order: the one with weights, or where there is one revision that for
// everyone.
func (e *Env) hosts() []string {
	var hosts []string
	for _, rule := range e.Tree.Route.Rules {
		if len(rule.Backends) == 0 || len(hosts) > 0 && len(rule.Backends) < 2 {
			continue
		}
		hosts = nil
		for _, backend := range rule.Backends {
			hosts = append(hosts, backend.Host)
		}
	}
	return hosts
}

// splits counts the pods that answered, one attempt.
func splits(ctx context.Context, e *Env) error {
	if len(e.hosts()) < 2 {
		return lacks("no weights")
	}
	answers := e.Client(16).Run(ctx, load.Plan{Requests: e.sample(), Lanes: 16, Request: load.Request{Tokens: 2}})
	if err := answers.Err(); err != nil {
		return err
	}
	var errs []error
	for _, host := range e.hosts() {
		want := e.Tree.Shares()[host]
		count := len(answers.By(pods(host)))
		have := 100 * float64(count) / float64(len(answers))
		e.Figure("%s: weight %d, got %d of %d (%.2f %%), a split at least as far off has the probability %.3f",
			strings.TrimSuffix(pods(host), "-predictor-"), want, count, len(answers), have,
			load.TwoSided(len(answers), count, float64(want)/100))
		if math.Abs(have-float64(want)) > tolerance {
			errs = append(errs, violated("%s has the weight %d and got %.2f %% of %d requests", host, want, have, len(answers)))
		}
	}
	return errors.Join(errs...)
}

// testers are the header and the host of the rule for them.
func (e *Env) testers() (header map[string]string, host string, err error) {
	for _, rule := range e.Tree.Route.Rules {
		if !strings.HasPrefix(rule.Name, "testers") || len(rule.Matches) == 0 {
			continue
		}
		return maps.Clone(rule.Matches[0].Exact), rule.Backends[0].Host, nil
	}
	return nil, "", lacks("no rule for testers")
}

// testersReach: the header leads to its revision, each time.
func testersReach(ctx context.Context, e *Env) error {
	header, host, err := e.testers()
	if err != nil {
		return err
	}
	return e.reach(ctx, header, host, 100)
}

// reach asks a hundred times and wants so many answers from a host's pods.
func (e *Env) reach(ctx context.Context, header map[string]string, host string, want int) error {
	answers := e.Client(8).Run(ctx, load.Plan{Requests: 100, Lanes: 8, Request: load.Request{Tokens: 2, Header: header}})
	if err := answers.Err(); err != nil {
		return err
	}
	got := len(answers.By(pods(host)))
	e.Figure("%v: %d of %d reach %s", header, got, len(answers), host)
	if got != want {
		return violated("%d of %d requests with %v reached %s, not %d", got, len(answers), header, host, want)
	}
	return nil
}

// testersAlways: they reach their revision even where nobody else does, and by the header's own value only.
func testersAlways(ctx context.Context, e *Env) (err error) {
	if err := testersReach(ctx, e); err != nil {
		return err
	}
	header, host, err := e.testers()
	if err != nil {
		return err
	}
	other := slices.IndexFunc(e.hosts(), func(h string) bool { return h != host })
	if other < 0 {
		return lacks("no other revision than the testers'")
	}
	defer e.undo(ctx, &err, e.mend)
	if err := e.step(ctx, e.shares(tree.Shares{e.hosts()[other]: 100})); err != nil {
		return err
	}
	if err := testersReach(ctx, e); err != nil {
		return err
	}
	for name := range header {
		if _, everyones := e.Tree.Header()[name]; !everyones {
			header[name] = "no-" + header[name]
		}
	}
	return e.reach(ctx, header, host, 0)
}

// bucketHeader is the header of sticky buckets, empty where the tree has none.
func (e *Env) bucketHeader() string {
	for _, rule := range e.Tree.Route.Rules {
		if !strings.HasPrefix(rule.Name, "sticky") {
			continue
		}
		for name := range rule.Matches[0].Regex {
			return name
		}
	}
	return ""
}

// sticks: each bucket has one revision, as many buckets as percent, and a revision whose weight grows keeps its own.
func sticks(ctx context.Context, e *Env) (err error) {
	if e.bucketHeader() == "" {
		return lacks("no sticky buckets")
	}
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend)
	before := map[int]bool{}
	for i, share := range []int{-1, 25, 60} { // the tree's own first
		shares := e.Tree.Shares()
		if i > 0 {
			shares = e.shares(tree.Shares{stable: 100 - share, next: share})
			if err := e.step(ctx, shares); err != nil {
				return err
			}
		}
		own, err := e.bucketsOf(ctx, next)
		if err != nil {
			return err
		}
		e.Figure("weight %d: %d of 100 buckets", shares[next], len(own))
		if len(own) != shares[next] {
			return violated("weight %d of %s gave it %d of 100 buckets", shares[next], next, len(own))
		}
		for bucket := range before {
			if !own[bucket] {
				return violated("bucket %d left %s when its weight grew to %d", bucket, next, shares[next])
			}
		}
		before = own
	}
	return nil
}

// bucketsOf asks with each bucket twice and returns those whose answers came from the host's pods.
func (e *Env) bucketsOf(ctx context.Context, host string) (map[int]bool, error) {
	const atATime = 10
	client := e.Client(atATime)
	var mine [100]bool
	asked, ctx := errgroup.WithContext(ctx)
	asked.SetLimit(atATime)
	for bucket := range mine {
		asked.Go(func() error {
			header := map[string]string{e.bucketHeader(): fmt.Sprint(bucket)}
			var from [2]bool
			for i := range from {
				answer := client.Chat(ctx, load.Request{Tokens: 1, Header: header})
				if answer.Err != nil {
					return answer.Err
				}
				from[i] = strings.HasPrefix(answer.Pod, pods(host))
			}
			if from[0] != from[1] {
				return violated("bucket %d is not sticky", bucket)
			}
			mine[bucket] = from[0]
			return nil
		})
	}
	if err := asked.Wait(); err != nil {
		return nil, err
	}
	own := map[int]bool{}
	for bucket, is := range mine {
		if is {
			own[bucket] = true
		}
	}
	return own, nil
}

// ends: weight 0 gets nothing, 100 gets all.
func ends(ctx context.Context, e *Env) (err error) {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend)
	for _, shares := range []tree.Shares{e.shares(tree.Shares{next: 100}), e.shares(tree.Shares{stable: 100})} {
		if err := e.step(ctx, shares); err != nil {
			return err
		}
		answers := e.Client(8).Run(ctx, load.Plan{Requests: 300, Lanes: 8, Request: load.Request{Tokens: 1}})
		if err := answers.Err(); err != nil {
			return err
		}
		for _, host := range slices.Sorted(maps.Keys(shares)) {
			if got, want := len(answers.By(pods(host))), len(answers)*shares[host]/100; got != want {
				return violated("%s has the weight %d and got %d of %d", host, shares[host], got, len(answers))
			}
		}
		e.Figure("%v: exact over %d requests", shares, len(answers))
	}
	return nil
}

// otherWeights edits the route by hand: 20 points from the revision that has most to another.
func otherWeights(ctx context.Context, e *Env) error {
	for _, rule := range e.Tree.Route.Rules {
		if len(rule.Backends) < 2 {
			continue
		}
		most := 0
		for j, backend := range rule.Backends {
			if backend.Weight > rule.Backends[most].Weight {
				most = j
			}
		}
		other := (most + 1) % len(rule.Backends)
		shares, operations := e.Tree.Shares(), []string{}
		for j, points := range map[int]int{most: -20, other: 20} {
			backend := rule.Backends[j]
			shares[backend.Host] += points
			operations = append(operations, weighs(backend, shares[backend.Host]))
		}
		if _, err := e.patchRoute(ctx, operations); err != nil {
			return err
		}
		return e.routed(ctx, shares)
	}
	return lacks("no weights")
}

// weighs is the operation that gives a revision another weight.
func weighs(backend tree.Backend, weight int) string {
	return fmt.Sprintf(`{"op":"replace","path":"%s","value":%d}`, backend.WeightPointer, weight)
}

// withoutRules removes the rules whose names begin like this, the last first.
func withoutRules(prefix string) func(context.Context, *Env) error {
	return func(ctx context.Context, e *Env) error {
		var operations []string
		for _, rule := range slices.Backward(e.Tree.Route.Rules) {
			if strings.HasPrefix(rule.Name, prefix) {
				operations = append(operations, fmt.Sprintf(`{"op":"remove","path":"%s"}`, rule.Pointer))
			}
		}
		if _, err := e.patchRoute(ctx, operations); err != nil {
			return err
		}
		return e.withoutRoutes(ctx, prefix)
	}
}

// patchRoute changes the route by hand, by operations of a JSON patch, and returns it as it then is, as JSON.
func (e *Env) patchRoute(ctx context.Context, operations []string) (string, error) {
	route := e.Tree.Route
	return e.Kubectl.Run(ctx, "-n", route.Namespace, "patch", route.Resource, route.Name,
		"-o", "json", "--type=json", "-p", "["+strings.Join(operations, ",")+"]")
}
