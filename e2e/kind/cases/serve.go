package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
)

// serve: the tree goes Ready, its pods have devices, and it answers by the name that clients use.
func serve() Case {
	return Case{Name: "serve", Checks: []Check{
		{Name: "ready", Run: func(ctx context.Context, e *Env) error { return e.Ready(ctx) }},
		{Name: "device", Run: hasDevices},
		{Name: "models", Run: namesModel},
		{Name: "chat", Run: chats},
		{Name: "stream", Run: streams},
		{Name: "other host", Run: otherHost},
		{Name: "no free device", Run: staysPending},
	}}
}

// modelPods are the pods of a revision's Deployment, or of all with an empty name. Those that are ending have left.
func (e *Env) modelPods(ctx context.Context, service string) ([]corev1.Pod, error) {
	found, err := e.allPods(ctx, service)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
	if len(found) == 0 {
		return nil, fmt.Errorf("no pod of the model %s runs", service)
	}
	return found, nil
}

// allPods are also those that are ending.
func (e *Env) allPods(ctx context.Context, service string) ([]corev1.Pod, error) {
	selector := "serving.kserve.io/inferenceservice"
	if service != "" {
		selector += "=" + service
	}
	list, err := kubectl.Get[corev1.PodList](ctx, e.Kubectl, "pods", "-n", e.Tree.Namespace(), "-l", selector)
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// hasDevices asks the vendor's tool in each container: as many devices as it asked for, and none of another's.
func hasDevices(ctx context.Context, e *Env) error {
	if e.Tree.Needs().Device == "" {
		return lacks("no device")
	}
	found, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	owner := map[string]string{}
	for _, pod := range found {
		before := len(owner)
		out, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "exec", pod.Name, "-c", serverContainer, "--",
			"nvidia-smi", "--query-gpu=uuid,name", "--format=csv,noheader")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			id, _, _ := strings.Cut(strings.TrimSpace(line), ",")
			if other, taken := owner[id]; taken {
				return fmt.Errorf("pods %s and %s have the same device %s", other, pod.Name, id)
			}
			owner[id] = pod.Name
		}
		if have, want := len(owner)-before, e.devices(pod); have != want {
			return fmt.Errorf("pod %s sees %d devices and asked for %d", pod.Name, have, want)
		}
	}
	if want := e.Tree.Needs().Devices; len(owner) != want {
		return fmt.Errorf("%d pods have %d devices, not %d", len(found), len(owner), want)
	}
	e.Figure("%d pods have %d devices", len(found), len(owner))
	return nil
}

// devices is how many the server's container asks for.
func (e *Env) devices(pod corev1.Pod) int {
	for _, container := range pod.Spec.Containers {
		if container.Name == serverContainer {
			limit := container.Resources.Limits[corev1.ResourceName(e.Tree.Needs().Device)]
			return int(limit.Value())
		}
	}
	return 0
}

func namesModel(ctx context.Context, e *Env) error {
	status, body, err := e.Client(1).Get(ctx, "/v1/models", nil)
	if err != nil {
		return err
	}
	var models struct{ Data []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &models); err != nil || status != http.StatusOK {
		return fmt.Errorf("/v1/models answered %d: %s", status, body)
	}
	if len(models.Data) != 1 || models.Data[0].ID != e.Tree.Model() {
		return fmt.Errorf("/v1/models names %v, not %s", models.Data, e.Tree.Model())
	}
	return nil
}

func chats(ctx context.Context, e *Env) error {
	answer := e.Client(1).Chat(ctx, load.Request{Tokens: 8})
	if answer.Err == nil && answer.Model != e.Tree.Model() {
		return fmt.Errorf("the answer is by %q, not by %q", answer.Model, e.Tree.Model())
	}
	return answer.Err
}

func streams(ctx context.Context, e *Env) error {
	answer := e.Client(1).Chat(ctx, load.Request{Tokens: 64, Stream: true})
	if answer.Err == nil && answer.Events < 3 {
		return fmt.Errorf("the stream had %d events: it came in one piece", answer.Events)
	}
	e.Figure("a stream of %d events in %.2f s", answer.Events, answer.Took.Seconds())
	return answer.Err
}

// otherHost is the negative half: the gateway knows no other name.
func otherHost(ctx context.Context, e *Env) error {
	if err := e.needsGateway(); err != nil {
		return err
	}
	client := e.Client(1)
	client.Host = "other.example.org"
	status, _, err := client.Get(ctx, "/v1/models", nil)
	if err == nil && status != http.StatusNotFound {
		return fmt.Errorf("another host name got %d, not 404", status)
	}
	return err
}

// staysPending takes all devices away and deletes a pod: its successor waits with the scheduler's reason, the pods
// that run are reported to have lost theirs, and all is well when the devices are back.
func staysPending(ctx context.Context, e *Env) (err error) {
	device := e.Tree.Needs().Device
	if device == "" {
		return lacks("no device")
	}
	workers, err := install.WorkerNames(ctx, e.Kubectl)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.breakDevices(ctx, workers, false) }, e.Ready)
	if err = e.breakDevices(ctx, workers, true); err != nil {
		return err
	}
	service := e.Tree.Services[len(e.Tree.Services)-1].Name
	found, err := e.modelPods(ctx, service)
	if err != nil {
		return err
	}
	if err = e.lostDevice(ctx, found[0]); err != nil {
		return err
	}
	if _, err = e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "delete", "pod", found[0].Name, "--wait=false"); err != nil {
		return err
	}
	return eventually(ctx, "a pod to stay Pending for want of "+device, func(ctx context.Context) error {
		found, err := e.modelPods(ctx, service)
		if err != nil {
			return err
		}
		for _, pod := range found {
			for _, condition := range pod.Status.Conditions {
				if pod.Status.Phase == corev1.PodPending && condition.Reason == corev1.PodReasonUnschedulable &&
					strings.Contains(condition.Message, "Insufficient "+device) {
					e.Figure("Pending: %s", condition.Message)
					return nil
				}
			}
		}
		return fmt.Errorf("none of %d is", len(found))
	})
}

// breakDevices takes every device of the workers away, or gives it back, and waits until the kubelet says so.
func (e *Env) breakDevices(ctx context.Context, workers []string, broken bool) error {
	device, count := e.Tree.Needs().Device, e.Tree.Needs().Devices
	annotation, want := "mock.kservegen.dev/unhealthy-", fmt.Sprint(count)
	if broken {
		var numbers []string
		for i := range count {
			numbers = append(numbers, fmt.Sprint(i))
		}
		annotation, want = "mock.kservegen.dev/unhealthy="+strings.Join(numbers, ","), "0"
	}
	var errs []error
	for _, worker := range workers {
		if _, err := e.Kubectl.Run(ctx, "annotate", "--overwrite", "node", worker, annotation); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, eventually(ctx, "node "+worker+" to have "+want+" "+device, func(ctx context.Context) error {
			node, err := kubectl.Get[corev1.Node](ctx, e.Kubectl, "node", worker)
			if err != nil {
				return err
			}
			if have := node.Status.Allocatable[corev1.ResourceName(device)]; have.String() != want {
				return fmt.Errorf("it has %s", have.String())
			}
			return nil
		}))
	}
	return errors.Join(errs...)
}

// lostDevice waits until the kubelet reports that a running pod's device is broken (KEP-4680).
func (e *Env) lostDevice(ctx context.Context, pod corev1.Pod) error {
	return eventually(ctx, "pod "+pod.Name+" to be reported without its device", func(ctx context.Context) error {
		now, err := kubectl.Get[corev1.Pod](ctx, e.Kubectl, "pod", "-n", pod.Namespace, pod.Name)
		if err != nil {
			return err
		}
		for _, container := range now.Status.ContainerStatuses {
			for _, resource := range container.AllocatedResourcesStatus {
				for _, health := range resource.Resources {
					if health.Health == corev1.ResourceHealthStatusUnhealthy {
						e.Figure("pod %s: %s %s is %s", pod.Name, resource.Name, health.ResourceID, health.Health)
						return nil
					}
				}
			}
		}
		return errors.New("its status does not say so")
	})
}
