package cases

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Users is a run of its own, for a tree whose gateway writes the bucket of a user, as overlays/deepseek-r1-distill-llama-8b-sticky does
// in staging: what `render --shared` wrote for that is applied. Its Gateway is not, which wants certificates.
func Users() Case {
	return Case{
		Name: "users",
		Checks: []Check{
			{Name: "stay", Run: usersStay},
			{Name: "choose nothing", Run: usersChooseNothing},
		},
	}
}

// userCount is how many users there are, and userAsks how often each asks at each weight.
const (
	userCount = 200
	userAsks  = 3
)

// identity is how the gateway knows a user: kind is cookie or header.
type identity struct{ kind, name string }

// identified reads it from the gateway's script (pkg/istio/lua).
var identified = regexp.MustCompile(`(?m)^local from = \{(\w+) = "([^"]+)"\}$`)

func identityIn(script string) (identity, error) {
	found := identified.FindStringSubmatch(script)
	switch {
	case found == nil:
		return identity{}, errors.New("the gateway's script does not say what it takes the user from")
	case found[1] == "claim":
		return identity{}, lacks("users by a claim of tokens, which the suite cannot issue")
	}
	return identity{found[1], found[2]}, nil
}

// header is what a user sends.
func (i identity) header(user string) map[string]string {
	if i.kind == "cookie" {
		return map[string]string{"cookie": "theme=dark; " + i.name + "=" + user + "; other=1"}
	}
	return map[string]string{i.name: user}
}

// bucketOf is the bucket that the gateway writes for a user: FNV-1a of 32 bits.
func bucketOf(user string) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(user)) // a hash takes everything
	return int(sum.Sum32() % 100)
}

func users() []string {
	all := make([]string, userCount)
	for i := range all {
		all[i] = fmt.Sprintf("user-%03d", i)
	}
	return all
}

// bucketing applies the gateway's script, runs something with it, and takes it away again. who is how it knows users.
func (e *Env) bucketing(ctx context.Context, run func(ctx context.Context, who identity) error) (err error) {
	if err := e.needsGateway(); err != nil {
		return err
	}
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	shared, err := sharedBy(e)
	if err != nil {
		return err
	}
	scripts := slices.DeleteFunc(shared, func(object map[string]any) bool { return object["kind"] != "TrafficExtension" })
	if len(scripts) != 1 || e.bucketHeader() == "" {
		return lacks("%d scripts that write a bucket", len(scripts))
	}
	lua, _ := scripts[0]["spec"].(map[string]any)["lua"].(map[string]any)
	script, _ := lua["inlineCode"].(string)
	who, err := identityIn(script)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend, func(ctx context.Context) error {
		_, err := e.Kubectl.OfObjects(ctx, scripts, "delete", "--ignore-not-found")
		return err
	})
	if err := e.Kubectl.Apply(ctx, scripts...); err != nil {
		return err
	}
	if err := e.step(ctx, e.shares(tree.Shares{stable: 100 - quarter, next: quarter})); err != nil {
		return err
	}
	err = eventually(ctx, "the gateway to write buckets", func(ctx context.Context) error {
		return e.keepsUsers(ctx, who, users()[:20], quarter)
	})
	if err != nil {
		return err
	}
	return run(ctx, who)
}

// quarter is the share of the last revision while nothing else is said.
const quarter = 25

// keepsUsers asks as users, and wants each to get the revision of their bucket.
func (e *Env) keepsUsers(ctx context.Context, who identity, some []string, share int) error {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	own, err := e.usersOf(ctx, next, some, who.header)
	if err != nil {
		return err
	}
	return asBuckets(some, own, share)
}

// asBuckets wants those users at a revision whose buckets are under its share.
func asBuckets(some []string, own map[string]bool, share int) error {
	for _, user := range some {
		if bucket := bucketOf(user); own[user] != (bucket < share) {
			return violated("%s has the bucket %d, and at %d %% the last revision is theirs: %t", user, bucket, share, own[user])
		}
	}
	return nil
}

// usersOf asks some times as each user, and returns those whose answers all came from the host's pods.
func (e *Env) usersOf(ctx context.Context, host string, some []string, header func(user string) map[string]string) (map[string]bool, error) {
	const atATime = 16
	client := e.Client(atATime)
	reached := make([]int, len(some))
	asked, ctx := errgroup.WithContext(ctx)
	asked.SetLimit(atATime)
	for i, user := range some {
		asked.Go(func() error {
			for range userAsks {
				answer := client.Chat(ctx, load.Request{Tokens: 1, Header: header(user)})
				if answer.Err != nil {
					return answer.Err
				}
				if strings.HasPrefix(answer.Pod, pods(host)) {
					reached[i]++
				}
			}
			return nil
		})
	}
	if err := asked.Wait(); err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for i, user := range some {
		if reached[i] != 0 && reached[i] != userAsks {
			return nil, violated("%s got both revisions", user)
		}
		if reached[i] > 0 {
			own[user] = true
		}
	}
	return own, nil
}

// usersStay: each user keeps their revision, the share is that of the buckets, and as the weight grows users come and none leaves.
func usersStay(ctx context.Context, e *Env) error {
	return e.bucketing(ctx, func(ctx context.Context, who identity) error {
		stable, next, err := e.two()
		if err != nil {
			return err
		}
		before := map[string]bool{}
		for _, share := range []int{5, quarter, 60} {
			if err := e.step(ctx, e.shares(tree.Shares{stable: 100 - share, next: share})); err != nil {
				return err
			}
			own, err := e.usersOf(ctx, next, users(), who.header)
			if err != nil {
				return err
			}
			e.Figure("weight %d: %d of %d users, by %s %s", share, len(own), userCount, who.kind, who.name)
			if err := asBuckets(users(), own, share); err != nil {
				return err
			}
			if left := left(before, own); left != "" {
				return violated("%s left %s when its weight grew to %d", left, next, share)
			}
			before = own
		}
		return nil
	})
}

// left is a user who was there before and is not any more; empty for nobody.
func left(before, now map[string]bool) string {
	for user := range before {
		if !now[user] {
			return user
		}
	}
	return ""
}

// usersChooseNothing: a bucket that a client sends changes nothing, be it somebody whom the gateway knows or not.
func usersChooseNothing(ctx context.Context, e *Env) error {
	return e.bucketing(ctx, func(ctx context.Context, who identity) error {
		_, next, err := e.two()
		if err != nil {
			return err
		}
		for _, bucket := range []string{"0", "99"} {
			own, err := e.usersOf(ctx, next, users(), func(user string) map[string]string {
				header := who.header(user)
				header[e.bucketHeader()] = bucket
				return header
			})
			if err != nil {
				return err
			}
			if err := asBuckets(users(), own, quarter); err != nil {
				return fmt.Errorf("with the bucket %s: %w", bucket, err)
			}
			const asks = 200
			answers := e.Client(8).Run(ctx, load.Plan{Requests: asks, Lanes: 8, Request: load.Request{Tokens: 1, Header: map[string]string{e.bucketHeader(): bucket}}})
			got := len(answers.By(pods(next)))
			e.Figure("bucket %s sent by a client: users as before; of nobody's %d requests %d reach %s", bucket, asks, got, service(next))
			if err := errors.Join(nothingLost(answers), fair(asks, got, quarter)); err != nil {
				return fmt.Errorf("with the bucket %s: %w", bucket, err)
			}
		}
		return nil
	})
}
