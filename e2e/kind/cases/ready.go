package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"

	kserve "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Ready waits until every InferenceService of the tree is, with all replicas that it has without load. KServe starts
// with one and an autoscaler brings it to its minimum.
//
// It does not ask `kubectl wait`: that compares status.observedGeneration with the InferenceService's generation, and
// KServe 0.20 copies the Deployment's there, which falls behind with the first change that is none of the Deployment's
// (kserve#6081). The wait would then never end.
func (e *Env) Ready(ctx context.Context) error {
	for _, service := range e.Tree.Services {
		if err := eventually(ctx, service.Name+" to be ready", func(ctx context.Context) error {
			return e.readyNow(ctx, service)
		}); err != nil {
			return fmt.Errorf("%w\n%s", err, e.troubles(ctx, service.Name))
		}
	}
	return nil
}

// readyNow says why an InferenceService is not.
func (e *Env) readyNow(ctx context.Context, service kserve.InferenceService) error {
	now, err := kubectl.Get[kserve.InferenceService](ctx, e.Kubectl, "inferenceservice", "-n", service.Namespace, service.Name)
	if err != nil {
		return err
	}
	if condition := now.Status.GetCondition(apis.ConditionReady); condition == nil || condition.Status != corev1.ConditionTrue {
		return fmt.Errorf("its condition is %v", condition)
	}
	name := tree.Deployment(service)
	d, err := kubectl.Get[appsv1.Deployment](ctx, e.Kubectl, "deployment", "-n", service.Namespace, name)
	if err != nil {
		return err
	}
	if err := e.current(service, d); err != nil {
		return err
	}
	want := int32(tree.Replicas(service))
	s := d.Status
	if s.ObservedGeneration < d.Generation || s.AvailableReplicas != want || s.Replicas != want || s.UpdatedReplicas != want {
		return fmt.Errorf("%d of %d pods are available and %d updated, not %d", s.AvailableReplicas, s.Replicas, s.UpdatedReplicas, want)
	}
	return nil
}

// troubles are why the pods of an InferenceService don't run, and what the API server said of making them.
func (e *Env) troubles(ctx context.Context, service string) string {
	found, err := e.modelPods(ctx, service)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, pod := range found {
		for _, condition := range pod.Status.Conditions {
			if condition.Status != corev1.ConditionTrue && condition.Message != "" {
				lines = append(lines, fmt.Sprintf("pod %s: %s: %s", pod.Name, condition.Reason, condition.Message))
			}
		}
		for _, status := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
			if waiting := status.State.Waiting; waiting != nil {
				lines = append(lines, fmt.Sprintf("pod %s, container %s: %s %s", pod.Name, status.Name, waiting.Reason, waiting.Message))
			}
		}
	}
	events, err := kubectl.Get[corev1.EventList](ctx, e.Kubectl, "events", "-n", e.Tree.Namespace(), "--field-selector=type=Warning")
	if err != nil {
		return err.Error()
	}
	for _, event := range events.Items {
		if strings.HasPrefix(event.InvolvedObject.Name, service) && event.InvolvedObject.Kind != "Pod" {
			lines = append(lines, fmt.Sprintf("%s %s: %s", event.InvolvedObject.Kind, event.InvolvedObject.Name, event.Message))
		}
	}
	return strings.Join(lines, "\n")
}

// current says what of a tree that was just applied KServe has not brought to the Deployment yet: until then its
// conditions are those of before.
func (e *Env) current(service kserve.InferenceService, d appsv1.Deployment) error {
	pod := d.Spec.Template.Spec
	if want := service.Spec.Predictor.TerminationGracePeriodSeconds; want != nil &&
		(pod.TerminationGracePeriodSeconds == nil || *pod.TerminationGracePeriodSeconds != *want) {
		return fmt.Errorf("its Deployment does not have the grace period of %d s", *want)
	}
	for _, container := range pod.Containers {
		if want := e.Tree.Args(service); container.Name == serverContainer && !slices.Equal(container.Args, want) {
			return fmt.Errorf("its Deployment's server has the arguments %v, not %v", container.Args, want)
		}
	}
	return nil
}
