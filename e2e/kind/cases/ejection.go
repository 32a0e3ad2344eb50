package cases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// ejects: a replica that answers 503 to everything is left out as soon as five have failed, and one that answers 500
// is not: a prompt can cause that, on any replica that it is sent to.
func ejects(ctx context.Context, e *Env) (err error) {
	defer e.undo(ctx, &err, e.mend)
	_, next, err := e.halves(ctx)
	if err != nil {
		return err
	}
	if err := e.needsReplicas(service(next)); err != nil {
		return err
	}
	if err := e.keepsPrompts(ctx); err != nil {
		return err
	}
	return e.leavesOut(ctx, next)
}

// errorHeader makes the simulator answer with that status (llm-d-inference-sim, pkg/communication/http.go).
const errorHeader = "X-Return-Error"

// keepsPrompts is the negative half: many prompts more than outlier detection counts are answered with 500, by all pods.
func (e *Env) keepsPrompts(ctx context.Context) error {
	before, err := e.count(ctx)
	if err != nil {
		return err
	}
	header := map[string]string{errorHeader: strconv.Itoa(http.StatusInternalServerError)}
	answers := e.Client(8).Run(ctx, load.Plan{Requests: 100, Lanes: 8, Request: load.Request{Tokens: 1, Header: header}})
	for _, answer := range answers {
		if answer.Status != http.StatusInternalServerError {
			return violated("a prompt that is to be answered with 500 got %d: %v", answer.Status, answer.Err)
		}
	}
	after, err := e.count(ctx)
	if err != nil {
		return err
	}
	out := after.stable.since(before.stable, ejections) + after.next.since(before.next, ejections)
	failed := after.stable.since(before.stable, serverErrors) + after.next.since(before.next, serverErrors)
	e.Figure("%d prompts answered with 500, %d pods ejected", failed, out)
	if out > 0 || failed != len(answers) {
		return violated("%d of %d prompts were answered with 500 by the model's pods, %d of which were ejected for it", failed, len(answers), out)
	}
	return nil
}

// leavesOut breaks one replica of a revision while both serve, and replaces it afterwards: the entrance would leave
// it out for another while.
func (e *Env) leavesOut(ctx context.Context, host string) (err error) {
	found, err := e.modelPods(ctx, service(host))
	if err != nil {
		return err
	}
	bad := found[0]
	before, err := e.counters(ctx, host)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.replacePod(ctx, service(host), bad) })
	running := e.Client(quick().Lanes).Start(ctx, quick(), longest)
	if err = pause(ctx, calm); err == nil {
		err = e.breakServer(ctx, bad)
	}
	if err == nil {
		err = pause(ctx, exposure)
	}
	answers := running.Stop()
	if err != nil {
		return err
	}
	after, err := e.counters(ctx, host)
	if err != nil {
		return err
	}
	return e.wasLeftOut(answers, bad.Name, host, after.since(before, ejections))
}

// wasLeftOut wants failures that end soon after the first, by an ejection, and the revision's other pods to go on.
func (e *Env) wasLeftOut(answers load.Answers, pod, host string, out int) error {
	failed := answers.Failed()
	if len(failed) == 0 {
		return violated("pod %s answered 503 and no request failed: nothing was measured", pod)
	}
	first := failed[0].At
	for _, answer := range failed {
		if answer.At.Before(first) {
			first = answer.At
		}
	}
	took, over := hurts(load.Answer.Failed).ends(answers, first, free)
	later := answers.Between(first.Add(took+1), first.Add(longest))
	e.Figure("one pod of %s answers 503 to everything: %d of %d requests lost in %.2f s, then %d ejected, and none lost of %d, of which the revision's other pods answered %d",
		host, len(failed), len(answers), took.Seconds(), out, len(later), len(later.By(pods(host))))
	switch {
	case out == 0:
		return violated("no pod of %s was ejected: %v", host, answers.Err())
	case !over || took > unnoticed || len(later.Failed()) > 0:
		return violated("requests were lost for longer than %s after pod %s began to answer 503, the last times %d: %v", unnoticed, pod, len(later.Failed()), answers.Err())
	case len(later.By(pods(host))) == 0:
		return violated("no pod of %s answered any more", host)
	}
	return nil
}

// breakServer makes a running simulator answer 503 to every question, as vLLM does whose engine has died. Its
// address for that is reached from within the pod alone.
func (e *Env) breakServer(ctx context.Context, pod corev1.Pod) error {
	_, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "exec", pod.Name, "-c", "istio-proxy", "--",
		"curl", "-sS", "--fail", "-d", `{"failure-injection-rate": 100, "failure-types": ["server_error"]}`, fmt.Sprintf("127.0.0.1:%d/admin/config", e.serverPort()))
	return err
}

// replacePod deletes a pod and waits for the one in its place.
func (e *Env) replacePod(ctx context.Context, name string, pod corev1.Pod) error {
	if _, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "delete", "pod", pod.Name, "--wait=false", "--ignore-not-found"); err != nil {
		return err
	}
	return e.became(ctx, name, both(ready, func(now corev1.Pod) error {
		if now.Name == pod.Name {
			return errors.New("it is the old one")
		}
		return nil
	}))
}

// withoutEjection takes outlier detection out of the tree's DestinationRules.
func withoutEjection(ctx context.Context, e *Env) error {
	return e.customize(ctx, tree.Patch{Kind: "DestinationRule", Patch: `[{"op": "remove", "path": "/spec/trafficPolicy/outlierDetection"}]`})
}
