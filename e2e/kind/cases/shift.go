package cases

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// shift: no request is lost while weights move, and while pods go.
func shift() Case {
	return Case{Name: "shift", Checks: []Check{
		{Name: "weights", Run: shiftsWeights},
		{Name: "rolling update", Run: rolls},
		{Name: "drain", Run: drains},
		{Name: "remove", Run: removes},
		{Name: "killed pod", Run: kills},
		{Name: "crashed server", Run: crashes},
	}}
}

// dwell is how long each step of a shift lasts: longer than a brief stream.
const dwell = 6 * time.Second

// How long a stream is, in tokens, of which the simulator makes 50 a second. A long one takes 20 seconds, longer than a pod sleeps
// before it is told to end, so that its grace period counts; a brief one 5.
const long, brief = 1000, 250

// How many run at a time of each. The questions are short, so that some are asked at every moment.
const streamLanes, questionLanes = 12, 4

// longest bounds a load whose stopping went wrong.
const longest = 10 * time.Minute

// underLoad runs something that ends pods while clients ask, and returns what became of their requests.
func (e *Env) underLoad(ctx context.Context, what string, run func(context.Context) error) (load.Answers, error) {
	return e.underStreams(ctx, long, what, run)
}

// underBriefLoad is underLoad where no pod is given time to end.
func (e *Env) underBriefLoad(ctx context.Context, what string, run func(context.Context) error) (load.Answers, error) {
	return e.underStreams(ctx, brief, what, run)
}

func (e *Env) underStreams(ctx context.Context, tokens int, what string, run func(context.Context) error) (load.Answers, error) {
	plans := []load.Plan{
		{Lanes: streamLanes, StreamEvery: 1, Request: load.Request{Tokens: tokens}},
		{Lanes: questionLanes, Request: load.Request{Tokens: 5}},
	}
	var running []*load.Running
	for _, plan := range plans {
		running = append(running, e.Client(plan.Lanes).Start(ctx, plan, longest))
	}
	err := pause(ctx, dwell)
	if err == nil {
		err = run(ctx)
	}
	if err == nil {
		err = pause(ctx, dwell)
	}
	var answers load.Answers
	for _, r := range running {
		answers = append(answers, r.Stop()...)
	}
	e.Figure("%s: %s", what, answers)
	return answers, err
}

// nothingLost fails where a client did not get what it asked for.
func nothingLost(answers load.Answers) error {
	if err := answers.Err(); err != nil {
		return violated("%v", err)
	}
	return nil
}

// gone waits until none of these pods is there any more: until then a stream may still be cut.
func (e *Env) gone(ctx context.Context, pods []corev1.Pod) error {
	for _, pod := range pods {
		if _, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "wait", "--for=delete", "pod/"+pod.Name, "--timeout=3m"); err != nil {
			return err
		}
	}
	return nil
}

// pause lets the load run on. It is what is measured, not a wait for something.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// shiftsWeights goes from 100 over 90 and 50 to 0 percent and back, each step as the lines of traffic.yaml.
func shiftsWeights(ctx context.Context, e *Env) (err error) {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend)
	if err = e.step(ctx, e.shares(tree.Shares{stable: 100})); err != nil {
		return err
	}
	var from, until time.Time
	answers, err := e.underBriefLoad(ctx, "100-90-50-0-100", func(ctx context.Context) error {
		for _, share := range []int{90, 50, 0} {
			if err := e.step(ctx, e.shares(tree.Shares{stable: share, next: 100 - share})); err != nil {
				return err
			}
			from = time.Now()
			if err := pause(ctx, dwell); err != nil {
				return err
			}
		}
		until = time.Now()
		return e.step(ctx, e.shares(tree.Shares{stable: 100}))
	})
	if err != nil {
		return err
	}
	if len(answers.By(pods(next))) == 0 {
		return violated("no request reached %s", next)
	}
	between := answers.Between(from, until)
	e.Figure("at 0 percent: %d of %d requests begun in that time reached the first revision", len(between.By(pods(stable))), len(between))
	if got := len(between.By(pods(stable))); got > 0 || len(between) == 0 {
		return violated("%d of %d requests reached %s at 0 percent", got, len(between), stable)
	}
	return nothingLost(answers)
}

// halves lets two revisions serve, so that either's pods may go. Where there is one it is both.
func (e *Env) halves(ctx context.Context) (stable, next string, err error) {
	hosts := e.hosts()
	if len(hosts) < 2 {
		return hosts[0], hosts[0], nil
	}
	stable, next = hosts[0], hosts[len(hosts)-1]
	return stable, next, e.step(ctx, e.shares(tree.Shares{stable: 50, next: 50}))
}

// deployment is the name of the Deployment behind a host, service that of the InferenceService.
func deployment(host string) string { return strings.TrimSuffix(pods(host), "-") }

func service(host string) string { return strings.TrimSuffix(deployment(host), "-predictor") }

// replicas is how many pods a revision has without load.
func (e *Env) replicas(name string) int {
	for _, one := range e.Tree.Services {
		if one.Name == name {
			return tree.Replicas(one)
		}
	}
	return 0
}

// needsReplicas wants another pod to serve while one is gone.
func (e *Env) needsReplicas(name string) error {
	if e.replicas(name) < 2 {
		return lacks("one replica of %s: nothing serves while it is gone", name)
	}
	return nil
}

// rolls changes the tree so that every pod is replaced, by the tree's own strategy. Not by `kubectl rollout restart`:
// KServe 0.20 compares the Deployment's template with its own and takes the annotation away again
// (deployment_reconciler.go in pkg/controller/v1beta1/inferenceservice/reconcilers/deployment).
func rolls(ctx context.Context, e *Env) (err error) {
	defer e.undo(ctx, &err, e.mend, e.Ready)
	stable, next, err := e.halves(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(e.needsReplicas(service(stable)), e.needsReplicas(service(next))); err != nil {
		return err
	}
	before, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	answers, err := e.underLoad(ctx, "rolling update", func(ctx context.Context) error {
		rolled := *e
		err := rolled.customize(ctx, tree.Patch{Kind: "InferenceService", Patch: `{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, ` +
			`metadata: {name: any}, spec: {predictor: {annotations: {kservegen.dev/rolled: "1"}}}}`})
		if err != nil {
			return err
		}
		return e.gone(ctx, before)
	})
	return errors.Join(err, nothingLost(answers))
}

// withoutGrace takes from the pods the time in which streams may end. The API server wants it to be longer than the
// sleep before the end.
func withoutGrace(ctx context.Context, e *Env) error {
	if err := e.customize(ctx,
		tree.Patch{Kind: "ServingRuntime", Patch: `[{"op": "replace", "path": "/spec/containers/0/lifecycle/preStop/sleep/seconds", "value": 1}]`},
		tree.Patch{Kind: "InferenceService", Patch: `[{"op": "replace", "path": "/spec/predictor/terminationGracePeriodSeconds", "value": 2}]`},
	); err != nil {
		return err
	}
	return e.Ready(ctx)
}

// victim is a pod of the last revision, while both serve.
func (e *Env) victim(ctx context.Context) (corev1.Pod, error) {
	_, next, err := e.halves(ctx)
	if err != nil {
		return corev1.Pod{}, err
	}
	if err := e.needsReplicas(service(next)); err != nil {
		return corev1.Pod{}, err
	}
	found, err := e.modelPods(ctx, service(next))
	if err != nil {
		return corev1.Pod{}, err
	}
	return found[0], nil
}

// kills deletes a pod without grace. Besides what it was busy with, requests are lost that come before the mesh has noticed:
// the pod is gone from the API at once, and from the Envoys when istiod has told them.
func kills(ctx context.Context, e *Env) (err error) {
	defer e.undo(ctx, &err, e.Ready, e.mend)
	pod, err := e.victim(ctx)
	if err != nil {
		return err
	}
	var d death
	answers, err := e.underBriefLoad(ctx, "a pod deleted without grace", func(ctx context.Context) error {
		d.from = time.Now()
		_, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "delete", "pod", pod.Name, "--grace-period=0", "--force")
		d.until = time.Now()
		return err
	})
	if err != nil {
		return err
	}
	d.unnoticed, d.tolerated = unnoticed, e.tolerated()
	return e.withinFlight(answers, pod.Name, d)
}

// tolerated is how many requests a dead pod may cost that come before the mesh has noticed.
func (e *Env) tolerated() int { return e.ejectedAfter() + questionLanes }

// ejectedAfter is how many answers from 502 to 504 in a row the tree's outlier detection takes from a pod before it
// leaves: the smallest of its DestinationRules. Requests that are on their way then come on top.
func (e *Env) ejectedAfter() int {
	least := 0
	for _, object := range e.objects("DestinationRule") {
		n, found, _ := unstructured.NestedFieldNoCopy(object, "spec", "trafficPolicy", "outlierDetection", "consecutiveGatewayErrors")
		if count, err := strconv.Atoi(fmt.Sprint(n)); found && err == nil && (least == 0 || count < least) {
			least = count
		}
	}
	return least
}

// unnoticed is how long the mesh may go on asking a pod that is dead: where its server crashed the kubelet must see it;
// the API server must tell, istiod push.
const unnoticed = 5 * time.Second

// crashes ends the server of a pod by SIGKILL. Besides what it was busy with, requests are lost that come before
// the mesh has noticed: the pod's own sidecar answers them with 503, which the trees do not retry, since a prompt
// that makes a server crash would make the next one crash as well.
func crashes(ctx context.Context, e *Env) (err error) {
	defer e.undo(ctx, &err, e.Ready, e.mend)
	pod, err := e.victim(ctx)
	if err != nil {
		return err
	}
	var d death
	answers, err := e.underBriefLoad(ctx, "a server ended by SIGKILL", func(ctx context.Context) error {
		id := containerID(serverStatus(pod).ContainerID)
		out, err := e.OnNode(ctx, pod.Spec.NodeName, "crictl", "inspect", "--output=go-template", "--template={{.info.pid}}", id)
		if err != nil {
			return err
		}
		d.from = time.Now()
		_, err = e.OnNode(ctx, pod.Spec.NodeName, "kill", "-9", strings.TrimSpace(out))
		d.until = time.Now()
		if err != nil {
			return err
		}
		return e.restarted(ctx, pod)
	})
	if err != nil {
		return err
	}
	d.unnoticed, d.tolerated = unnoticed, e.tolerated()
	return e.withinFlight(answers, pod.Name, d)
}

// restarted waits until the kubelet has seen the server die.
func (e *Env) restarted(ctx context.Context, pod corev1.Pod) error {
	before := serverStatus(pod).RestartCount
	return eventually(ctx, "pod "+pod.Name+" to start its server again", func(ctx context.Context) error {
		now, err := kubectl.Get[corev1.Pod](ctx, e.Kubectl, "pod", "-n", pod.Namespace, pod.Name)
		if err != nil {
			return err
		}
		if serverStatus(now).RestartCount > before {
			return nil
		}
		return fmt.Errorf("it was started %d times", before)
	})
}
