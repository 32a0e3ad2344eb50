package load

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Plan is a load: so many requests, each as soon as the one before it in its lane is answered.
type Plan struct {
	// Requests is how many, 0 for as many as fit until the context ends.
	Requests int
	// Lanes is how many run at a time.
	Lanes int
	// StreamEvery makes every k-th request a stream; 0 for none.
	StreamEvery int
	// Request is what each asks for; a stream has StreamTokens instead of its Tokens, where there is a number.
	Request      Request
	StreamTokens int
}

// Answers are those of a load, in the order in which they ended.
type Answers []Answer

// Run sends the load. When the context ends no request is begun any more, and those that run are answered: the
// end of a load is no failure of the server.
func (c *Client) Run(ctx context.Context, plan Plan) Answers {
	var begun atomic.Int64
	var mu sync.Mutex
	var all Answers
	var lanes sync.WaitGroup
	for range max(plan.Lanes, 1) {
		lanes.Go(func() {
			for ctx.Err() == nil {
				n := begun.Add(1)
				if plan.Requests > 0 && n > int64(plan.Requests) {
					return
				}
				request := plan.Request
				request.Stream = plan.StreamEvery > 0 && n%int64(plan.StreamEvery) == 0
				if request.Stream && plan.StreamTokens > 0 {
					request.Tokens = plan.StreamTokens
				}
				answer := c.Chat(context.WithoutCancel(ctx), request)
				mu.Lock()
				all = append(all, answer)
				mu.Unlock()
			}
		})
	}
	lanes.Wait()
	return all
}

// Running is a load in the background.
type Running struct {
	cancel context.CancelFunc
	done   chan struct{}
	// answers belong to whoever has seen done closed.
	answers Answers
}

// Start begins a load that ends with Stop, or after the longest time.
func (c *Client) Start(ctx context.Context, plan Plan, longest time.Duration) *Running {
	ctx, cancel := context.WithTimeout(ctx, longest)
	r := &Running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.answers = c.Run(ctx, plan)
	}()
	return r
}

// Stop begins no more requests, waits for those that run, and returns all answers.
func (r *Running) Stop() Answers {
	r.cancel()
	<-r.done
	return r.answers
}

// Failed are those whose client did not get what it asked for.
func (a Answers) Failed() Answers { return a.where(Answer.Failed) }

// Cut are those that broke off.
func (a Answers) Cut() Answers { return a.where(Answer.Cut) }

// Streams are those that were streamed.
func (a Answers) Streams() Answers {
	return a.where(func(answer Answer) bool { return answer.Streamed })
}

// Between are those that were asked from a moment on, up to another.
func (a Answers) Between(from, until time.Time) Answers {
	return a.where(func(answer Answer) bool { return !answer.At.Before(from) && answer.At.Before(until) })
}

// By are those that pods with this prefix answered.
func (a Answers) By(prefix string) Answers {
	return a.where(func(answer Answer) bool { return strings.HasPrefix(answer.Pod, prefix) })
}

func (a Answers) where(keep func(Answer) bool) Answers {
	var kept Answers
	for _, answer := range a {
		if keep(answer) {
			kept = append(kept, answer)
		}
	}
	return kept
}

// Longest is the time that the slowest answer took.
func (a Answers) Longest() time.Duration {
	var longest time.Duration
	for _, answer := range a {
		longest = max(longest, answer.Took)
	}
	return longest
}

// Err is nil where no request failed; else it counts them by their reason.
func (a Answers) Err() error {
	failed := a.Failed()
	if len(failed) == 0 {
		return nil
	}
	reasons := map[string]int{}
	for _, answer := range failed {
		reasons[answer.Err.Error()]++
	}
	var lines []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		lines = append(lines, fmt.Sprintf("%d x %s", reasons[reason], reason))
	}
	return fmt.Errorf("%d of %d requests failed, %d cut in the middle: %s",
		len(failed), len(a), len(a.Cut()), strings.Join(lines, "; "))
}

// String is one line of figures.
func (a Answers) String() string {
	return fmt.Sprintf("%d requests, %d of them streams, %d failed, %d cut, the longest %.1f s",
		len(a), len(a.Streams()), len(a.Failed()), len(a.Cut()), a.Longest().Seconds())
}
