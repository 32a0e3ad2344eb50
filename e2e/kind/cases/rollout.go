package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/rollout/gate"
)

// Rollout is a run of its own, since Prometheus takes minutes to build: `kservegen canary` takes the last revision of the tree to all
// requests, or back, by what the gateway's Envoy and the servers count.
func Rollout() Case {
	return Case{
		Name:   "rollout",
		Before: func(ctx context.Context, e *Env) error { return e.Prometheus(ctx) },
		Checks: []Check{
			{Name: "counts", Run: countsRequests},
			{Name: "good", Run: promotesGood},
			{Name: "errors", Run: rollsBackErrors},
			{Name: "slow", Run: rollsBackSlow},
			{Name: "never ready", Run: rollsBackUnready},
			{Name: "killed", Run: resumesKilled},
			{Name: "two runners", Run: waitsForOther},
			// The last one: connections that were open keep its fault for as long as Envoy drains them.
			{Name: "at half", Run: rollsBackAtHalf},
		},
		After: func(ctx context.Context, e *Env) error { return errors.Join(e.mend(ctx), e.Ready(ctx)) },
	}
}

// block is what the gate cuts time into here, and collectedEvery how often Prometheus collects the servers meanwhile; the tree's own
// 15 seconds are for steps that last an hour.
const block, collectedEvery = 5 * time.Second, 2 * time.Second

// collectedOften is a patch of the tree that has its servers collected so often.
func collectedOften() tree.Patch {
	return tree.Patch{Kind: "PodMonitor", Patch: fmt.Sprintf(`[{"op": "replace", "path": "/spec/podMetricsEndpoints/0/interval", "value": "%.0fs"}]`, collectedEvery.Seconds())}
}

// countsRequests: `canary analyze` has of both revisions the requests that were sent, no error, and no verdict that the new one is
// worse.
func countsRequests(ctx context.Context, e *Env) (err error) {
	defer e.undo(ctx, &err, e.mend)
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	often, err := e.customized(collectedOften())
	if err != nil {
		return err
	}
	if err := errors.Join(often.step(ctx, e.tenth()), e.collects(ctx)); err != nil {
		return err
	}
	began := time.Now()
	answers, err := e.under(ctx, quick().Lanes, func(ctx context.Context) error { return pause(ctx, 12*block) })
	if err != nil {
		return err
	}
	if err := pause(ctx, 2*block); err != nil { // until it is collected
		return err
	}
	analysis, err := e.analyze(ctx, began.Add(-block), "--warm-up=0s")
	if err != nil {
		return err
	}
	report := analysis.Report
	e.Figure("the gate counts %.0f and %.0f requests in %d blocks of %s: %s", report.Baseline, report.Canary, report.Blocks, block, report.Verdict)
	if report.Verdict == gate.Fail {
		err = violated("a revision that is no worse fails: %v", report.Reasons)
	}
	from := analysis.Since.Add(time.Duration(report.Excluded) * block)
	return errors.Join(err, nothingLost(answers),
		agree(answers.By(pods(stable)), from, report.Baseline), agree(answers.By(pods(next)), from, report.Canary))
}

// agree wants the gate to count the answers that ended after a moment. What it has of that moment was collected up to so much earlier.
func agree(answers load.Answers, from time.Time, counted float64) error {
	const slack = 1 // of a second, for the clocks
	least, most := endedAfter(answers, from.Add(slack*time.Second)), endedAfter(answers, from.Add(-install.GatewayCollected-slack*time.Second))
	if counted < float64(least) || counted > float64(most) {
		return violated("%d to %d requests were answered, and the gate counts %.0f", least, most, counted)
	}
	return nil
}

func endedAfter(answers load.Answers, from time.Time) int {
	n := 0
	for _, a := range answers {
		if a.At.Add(a.Took).After(from) {
			n++
		}
	}
	return n
}

// collects waits until Prometheus has both revisions' servers as often as it is to, and the gateway.
func (e *Env) collects(ctx context.Context) error {
	window := 5 * collectedEvery
	return eventually(ctx, "Prometheus to collect servers and gateway", func(ctx context.Context) error {
		found, err := e.modelPods(ctx, "")
		if err != nil {
			return err
		}
		for _, pod := range found {
			if err := e.positive(ctx, fmt.Sprintf(`count_over_time(vllm:num_requests_running{namespace=%q, pod=%q}[%s]) >= 4`, pod.Namespace, pod.Name, window)); err != nil {
				return err
			}
		}
		return e.positive(ctx, fmt.Sprintf(`envoy_server_live{namespace=%q}`, e.GatewayNamespace))
	})
}

// positive wants Prometheus to have an answer to a query.
func (e *Env) positive(ctx context.Context, query string) error {
	answer, err := kubectl.Raw[struct {
		Data struct{ Result []any }
	}](ctx, e.Kubectl, e.prometheusPath()+"/api/v1/query?"+url.Values{"query": {query}}.Encode())
	if err != nil {
		return err
	}
	if len(answer.Data.Result) == 0 {
		return fmt.Errorf("nothing answers to %s", query)
	}
	return nil
}

// analyze asks the gate about the time since a moment.
func (e *Env) analyze(ctx context.Context, since time.Time, flags ...string) (a gate.Analysis, err error) {
	prometheus, err := e.askPrometheus(ctx)
	if err != nil {
		return a, err
	}
	folder, err := e.modelFolder()
	if err != nil {
		return a, err
	}
	args := append([]string{
		"canary", "analyze", "-f", filepath.Join(filepath.Dir(folder), "document.yaml"), "--env", e.environment(), "--profile=envoy", "-o", "json",
		"--interval=" + block.String(), "--since=" + since.UTC().Format(time.RFC3339),
	}, append(prometheus, flags...)...)
	cmd := exec.CommandContext(ctx, e.Kservegen, args...)
	out, err := cmd.Output()
	if len(out) == 0 {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return a, err
	}
	return a, json.Unmarshal(out, &a)
}
