package cases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// faults: a new revision that is bad hurts no more than its weight, the first one not at all, and the lines that
// take its weight away end it within seconds.
func faults() Case {
	return Case{Name: "faults", Checks: []Check{
		{Name: "errors", Run: answersErrors},
		{Name: "ejection", Run: ejects},
		{Name: "slow", Run: getsSlow},
		{Name: "never ready", Run: staysUnready},
		{Name: "crash loop", Run: crashLoops},
	}}
}

// setting is a variable of the server's environment.
func setting(name, value string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} }

// answersErrors: every replica answers 503, as vLLM does whose engine has died. Outlier detection
// may eject one replica of two (maxEjectionPercent), which helps nobody here. The weight bounds the loss; the way back ends it.
func answersErrors(ctx context.Context, e *Env) error {
	t, err := e.try(ctx, fault{
		name:    "503 from every replica",
		release: answering503(),
		is:      ready, hurts: load.Answer.Failed,
	})
	if err != nil {
		return err
	}
	count := func(name string) int { return t.after.next.since(t.before.next, name) }
	e.Figure("Envoy ejected %d times, and %d times not, since no more may be at a time", count(ejections), count(overflow))
	if _, next, err := e.two(); err == nil && e.needsReplicas(service(next)) == nil && count(ejections) == 0 {
		return violated("no pod was ejected, although all of them answered 503")
	}
	return t.onlyStatus(http.StatusServiceUnavailable)
}

// answering503 is a release whose server answers 503 to everything.
func answering503() release {
	return release{env: []corev1.EnvVar{setting("SIM_FAILURE_INJECTION_RATE", "100"), setting("SIM_FAILURE_TYPES", "server_error")}}
}

// slowness is what the first token of the slow revision takes; the simulator's is 0.1 seconds otherwise.
const slowness = 3 * time.Second

// slow is a release whose server takes so long.
func slow() release {
	return release{env: []corev1.EnvVar{setting("SIM_TIME_TO_FIRST_TOKEN", slowness.String())}}
}

// getsSlow: who gets the new revision waits, nobody fails, and the first revision is as fast as before. Nothing is
// ejected: outlier detection looks at errors.
func getsSlow(ctx context.Context, e *Env) error {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	t, err := e.try(ctx, fault{
		name:    fmt.Sprintf("the first token after %s", slowness),
		release: slow(),
		is:      ready, hurts: func(answer load.Answer) bool { return len(load.Answers{answer}.By(pods(next))) > 0 },
	})
	if err != nil {
		return err
	}
	before, exposed := t.answers.Between(time.Time{}, t.shared), t.answers.Between(t.from, t.back)
	for _, part := range []float64{0.5, 0.99} {
		e.Figure("%.0f %% of the answers within: %.2f s before; then %.2f s of the first revision, %.2f s of the new one", 100*part,
			quantile(before, part).Seconds(), quantile(exposed.By(pods(stable)), part).Seconds(), quantile(exposed.By(pods(next)), part).Seconds())
	}
	e.Figure("Envoy ejected %d times", t.after.next.since(t.before.next, ejections))
	if fastest := quantile(exposed.By(pods(next)), 0); fastest < slowness {
		return violated("the new revision answered within %s: it was not slow", fastest)
	}
	if slow := quantile(exposed.By(pods(stable)), 0.99); slow > slowness/2 {
		return violated("one of a hundred answers of the first revision took %s and more", slow)
	}
	return nothingLost(t.answers)
}

// staysUnready: the readiness probe asks for a path that is not there. The mesh has no pod to ask and says so at once.
func staysUnready(ctx context.Context, e *Env) error {
	return e.withoutPods(ctx, fault{
		name: "a wrong readiness probe", release: release{readiness: "/healthz"}, is: unready, hurts: load.Answer.Failed,
	})
}

// withoutPods tries a fault that leaves the new revision without a pod that is ready.
func (e *Env) withoutPods(ctx context.Context, f fault) error {
	t, err := e.try(ctx, f)
	if err != nil {
		return err
	}
	e.Figure("Envoy had no pod to ask for %d requests", t.after.next.since(t.before.next, noPod))
	if t.after.next.since(t.before.next, noPod) == 0 {
		return violated("requests failed for another reason than that the new revision has no pod: %v", t.answers.Err())
	}
	return t.onlyStatus(http.StatusServiceUnavailable)
}

// crashLoops: an argument with which the server ends as soon as it starts, as an edit of a revision that serves and
// as a new one.
func crashLoops(ctx context.Context, e *Env) error {
	return e.withoutPods(ctx, fault{
		name: "a wrong argument", release: wrongArgument(), edit: true, is: crashed, hurts: load.Answer.Failed,
	})
}

func wrongArgument() release { return release{args: []string{"--model=/mnt/models/nowhere"}} }

// edited: an edit of a revision that serves stops at the first pod that does not come up, and those that still serve
// lose nothing.
func (e *Env) edited(ctx context.Context, f fault, was string) error {
	_, next, err := e.two()
	if err != nil {
		return err
	}
	bad, err := e.with(service(next), f.release)
	if err != nil {
		return err
	}
	running := e.Client(quick().Lanes).Start(ctx, quick(), longest)
	err = bad.step(ctx, e.tenth())
	if err == nil {
		err = e.stalled(ctx, service(next), was, f.is)
	}
	if err == nil {
		err = pause(ctx, exposure)
	}
	answers := running.Stop()
	e.Figure("%s, by an edit of the revision that serves: its other pods stay; %s", f.name, answers)
	return errors.Join(err, nothingLost(answers))
}

// stalled waits until one pod is bad and the others are those that were there.
func (e *Env) stalled(ctx context.Context, name, was string, bad fits) error {
	return eventually(ctx, "the edit of "+name+" to stop at its first pod", func(ctx context.Context) error {
		found, err := e.modelPods(ctx, name)
		if err != nil {
			return err
		}
		good := 0
		for _, pod := range found {
			if both(of(was), ready)(pod) == nil {
				good++
				continue
			}
			if err := bad(pod); err != nil {
				return fmt.Errorf("pod %s: %w", pod.Name, err)
			}
		}
		if want := e.replicas(name); good != want-1 || len(found) != want {
			return fmt.Errorf("%d of %d pods are as before", good, len(found))
		}
		return nil
	})
}
