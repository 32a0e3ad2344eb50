package cases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// everyone is the load of a rollout: enough for a verdict within minutes.
func everyone() load.Plan {
	return load.Plan{Lanes: 24, StreamEvery: 4, Request: load.Request{Tokens: 4}}
}

// decided is how long a rollout may take.
const decided = 20 * time.Minute

// rollout is one that has ended.
type rollout struct {
	run     *rolling
	code    int
	answers load.Answers
}

// roll has the last revision with a release at weight 0, under load, and runs something with the program at work until it has
// ended. The tree's own revision is back afterwards.
func (e *Env) roll(ctx context.Context, r release, is fits, with func(context.Context, *rolling) error, flags ...string) (done rollout, err error) {
	_, next, err := e.two()
	if err != nil {
		return done, err
	}
	was, err := e.template(ctx, service(next))
	if err != nil {
		return done, err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.restore(ctx, service(next), was) })
	if err := e.brought(ctx, service(next), was, r, is); err != nil {
		return done, err
	}
	ctx, cancel := context.WithTimeout(ctx, decided)
	defer cancel()
	running := e.Client(everyone().Lanes).Start(ctx, everyone(), decided)
	done.run, err = e.canaryRun(ctx, flags...)
	if err == nil {
		defer done.run.abandoned()
		if with != nil {
			err = with(ctx, done.run)
		}
	}
	if err == nil {
		done.code, err = done.run.end(ctx)
	}
	if err == nil {
		err = pause(ctx, calm)
	}
	done.answers = running.Stop()
	if err == nil {
		e.Figure("%s; %s", done.run, done.answers)
	}
	return done, err
}

// brought applies the tree with a release of a revision that nobody gets, and waits until its pods are as they are to be.
func (e *Env) brought(ctx context.Context, name, was string, r release, is fits) error {
	patches, want := []tree.Patch{collectedOften()}, fits(ready)
	if is != nil {
		r.fresh = true
		patch, err := e.patchOf(name, r)
		if err != nil {
			return err
		}
		patches, want = append(patches, patch), both(notOf(was), is)
	}
	own, err := e.customized(patches...)
	if err != nil {
		return err
	}
	return errors.Join(own.step(ctx, e.none()), e.forgetRuns(ctx), own.became(ctx, name, want), e.collects(ctx))
}

// forgetRuns takes away what runs before have recorded, which `kubectl apply` leaves alone.
func (e *Env) forgetRuns(ctx context.Context) error {
	for _, kind := range []string{"VirtualService", "HTTPRoute"} {
		for _, object := range e.objects(kind) {
			metadata, _ := object["metadata"].(map[string]any)
			if _, err := e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "annotate", kind, fmt.Sprint(metadata["name"]), routes.Annotation+"-"); err != nil {
				return err
			}
		}
	}
	return nil
}

// promotesGood: a revision that is no worse gets one share after the other, in the end all, and no request is lost.
func promotesGood(ctx context.Context, e *Env) error {
	done, err := e.roll(ctx, release{}, nil, nil)
	if err != nil {
		return err
	}
	return errors.Join(done.promoted(e), nothingLost(done.answers))
}

// promoted wants the shares of the plan, in its order, and then every answer from the new revision.
func (d rollout) promoted(e *Env) error {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	end, all := d.run.first(runner.Promoted)
	if !all || d.code != 0 || end.Share != 100 {
		return violated("a revision that is no worse was not promoted (exit code %d): %s\n%s", d.code, d.run, d.run.said)
	}
	var given []any // also what the next program found, where one was killed before it could say so
	for _, event := range d.run.past {
		if share := int64(event.Share); share > 0 && !slices.Contains(given, any(share)) {
			given = append(given, share)
		}
	}
	if want := planned(); fmt.Sprint(given) != fmt.Sprint(want) {
		return violated("it was given the shares %v, not %v", given, want)
	}
	return e.allReached(d.answers.Between(end.Time.Add(settled), time.Now()), next)
}

// rolledBack wants everything to be back, and what was lost to be no more than the shares explain that the revision had.
func (d rollout) rolledBack(e *Env, most int) error {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	end, back := d.run.first(runner.RolledBack)
	if !back || d.code != 1 || end.Share != 0 || d.run.greatest() > most {
		return violated("a bad revision was not rolled back at %d percent (exit code %d): %s\n%s", most, d.code, d.run, d.run.said)
	}
	e.Figure("rolled back: %s", end.Reason)
	after := d.answers.Between(end.Time.Add(settled), time.Now())
	if reached := after.By(pods(next)); len(after) == 0 || len(reached) > 0 {
		return violated("%d of %d requests reached %s after it was rolled back", len(reached), len(after), next)
	}
	return nothingLost(after)
}

// took prints the time from what made the revision bad for clients to the rollback, and what it cost.
func (d rollout) took(e *Env, what string, from time.Time, hurts hurts) error {
	end, _ := d.run.first(runner.RolledBack)
	exposed := d.answers.Between(from, end.Time)
	e.Figure("%s: rolled back %.1f s after it, of which %s are one block of the gate; %d of %d requests hurt meanwhile", what,
		end.Time.Sub(from).Seconds(), block, hurts.among(exposed), len(exposed))
	if hurts.among(exposed) == 0 {
		return violated("%s hurt nobody: nothing was measured", what)
	}
	return nil
}

// rollsBackErrors: a revision whose server answers 503.
func rollsBackErrors(ctx context.Context, e *Env) error {
	done, err := e.roll(ctx, answering503(), ready, nil)
	if err != nil {
		return err
	}
	return errors.Join(done.rolledBack(e, 20), done.took(e, "503 from every replica at 20 percent", done.given(20), load.Answer.Failed))
}

// given is when the revision got a share.
func (d rollout) given(share int) time.Time {
	for _, event := range d.run.past {
		if moved(share)(event) {
			return event.Time
		}
	}
	return time.Time{}
}

// rollsBackSlow: a revision whose first token takes three seconds. Nobody loses a request.
func rollsBackSlow(ctx context.Context, e *Env) error {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	done, err := e.roll(ctx, slow(), ready, nil)
	if err != nil {
		return err
	}
	late := func(answer load.Answer) bool { return len(load.Answers{answer}.By(pods(next))) > 0 }
	return errors.Join(done.rolledBack(e, 20), nothingLost(done.answers),
		done.took(e, fmt.Sprintf("the first token after %s at 20 percent", slowness), done.given(20), late))
}

// rollsBackUnready: a revision that never gets ready never gets a request.
func rollsBackUnready(ctx context.Context, e *Env) error {
	done, err := e.roll(ctx, release{readiness: "/healthz"}, unready, nil, "--step-max=30s")
	if err != nil {
		return err
	}
	if done.run.greatest() > 0 {
		return violated("a revision that is not ready got a share: %s", done.run)
	}
	return errors.Join(done.rolledBack(e, 0), nothingLost(done.answers))
}

// rollsBackAtHalf: a revision that is good until it has half of the requests, and then fails three of ten.
func rollsBackAtHalf(ctx context.Context, e *Env) error {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	var broke time.Time
	done, err := e.roll(ctx, release{}, nil, func(ctx context.Context, r *rolling) (err error) {
		if _, err = r.until(ctx, moved(50)); err == nil {
			broke = time.Now()
			err = e.Kubectl.Apply(ctx, e.failing(service(next), 30))
		}
		return err
	})
	if err = errors.Join(err, e.Forget(ctx)); err != nil {
		return err
	}
	return errors.Join(done.rolledBack(e, 50), done.took(e, "503 to 30 percent, from 50 percent on", broke, load.Answer.Failed), done.onlyStatus(http.StatusServiceUnavailable))
}

func (d rollout) onlyStatus(status int) error { return trial{answers: d.answers}.onlyStatus(status) }

// failing has the sidecars of a revision answer so many percent of the requests with 503 themselves.
func (e *Env) failing(name string, percent int) map[string]any {
	return map[string]any{
		"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
		"metadata": map[string]any{"name": "failing", "namespace": e.Tree.Namespace(), "labels": map[string]any{mistakeLabel: "failing"}},
		"spec": map[string]any{
			"workloadSelector": map[string]any{"labels": map[string]any{"serving.kserve.io/inferenceservice": name}},
			"configPatches": []any{map[string]any{
				"applyTo": "HTTP_FILTER",
				"match": map[string]any{
					"context":  "SIDECAR_INBOUND",
					"listener": map[string]any{"filterChain": map[string]any{"filter": map[string]any{"name": "envoy.filters.network.http_connection_manager", "subFilter": map[string]any{"name": "envoy.filters.http.router"}}}},
				},
				"patch": map[string]any{"operation": "INSERT_BEFORE", "value": map[string]any{
					"name": "envoy.filters.http.fault",
					"typed_config": map[string]any{
						"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
						"abort": map[string]any{"http_status": int64(http.StatusServiceUnavailable), "percentage": map[string]any{"numerator": int64(percent), "denominator": "HUNDRED"}},
					},
				}},
			}},
		},
	}
}

// resumesKilled: the program is killed as soon as it has begun, and after each share; another one goes on from where the cluster is, and
// ends as if nothing had been. Of a program that has begun the first share may have been given already.
func resumesKilled(ctx context.Context, e *Env) error {
	kills := []struct {
		after  func(runner.Event) bool
		shares []int
	}{{begun, []int{0, 20}}, {at(20), []int{20}}, {at(50), []int{50}}}
	done, err := e.roll(ctx, release{}, nil, func(ctx context.Context, r *rolling) error {
		for _, kill := range kills {
			event, err := r.until(ctx, kill.after)
			if err == nil {
				err = r.kill()
			}
			if err != nil {
				return err
			}
			next, err := e.canaryRun(ctx)
			if err != nil {
				return err
			}
			resumed, err := next.until(ctx, begun)
			next.past = append(r.past, next.past...)
			*r = *next
			if err != nil {
				return err
			}
			e.Figure("killed after %s at %d; the next one %s at %d, %.1f s later", event.Kind, event.Share, resumed.Kind, resumed.Share, resumed.Time.Sub(event.Time).Seconds())
			if !slices.Contains(kill.shares, resumed.Share) {
				return violated("it went on from another share than the one at which it was killed: %s", r)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(done.promoted(e), nothingLost(done.answers))
}

// at says that an event is of a share.
func at(share int) func(runner.Event) bool {
	return func(event runner.Event) bool { return event.Share == share }
}

// begun is the first event of a program.
func begun(event runner.Event) bool {
	return event.Kind == runner.Started || event.Kind == runner.Resumed
}

// waitsForOther: a second program at the same canary waits, says for whom, and goes on when the first one is told to end.
func waitsForOther(ctx context.Context, e *Env) error {
	var waited time.Duration
	done, err := e.roll(ctx, release{}, nil, func(ctx context.Context, r *rolling) error {
		if _, err := r.until(ctx, moved(20)); err != nil {
			return err
		}
		second, err := e.canaryRun(ctx)
		if err != nil {
			return err
		}
		defer second.abandoned()
		began := time.Now()
		if err := pause(ctx, 2*block); err != nil {
			return err
		}
		select {
		case event := <-second.events:
			return violated("the second program does not wait: %s at %d", event.Kind, event.Share)
		default:
		}
		if err := r.signal(syscall.SIGTERM); err != nil {
			return err
		}
		event, err := second.until(ctx, func(event runner.Event) bool { return event.Kind == runner.Resumed })
		if err != nil {
			return err
		}
		waited = time.Since(began)
		if event.Share != 20 {
			return violated("the first one left %d percent, not 20", event.Share)
		}
		*r = *second
		return r.signal(syscall.SIGTERM)
	})
	if err != nil {
		return err
	}
	e.Figure("the second one waited %.1f s, and said: %s", waited.Seconds(), done.run.said)
	return nothingLost(done.answers)
}
