package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	kservebeta "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// release is a change to a revision as a person's commit brings it.
type release struct {
	// env and args are added to those of the server.
	env  []corev1.EnvVar
	args []string
	// readiness is another path of its readiness probe, where there is one.
	readiness string
	// fresh starts all replicas together, as those of a revision that is new, and looks each second whether they
	// have started: what starts here loads no weights. Else it is an edit of a revision that serves.
	fresh bool
}

// patch is the JSON patch (RFC 6902) of the revision's InferenceService.
func (r release) patch(service kservebeta.InferenceService, port int32) (string, error) {
	model := service.Spec.Predictor.Model
	if model == nil {
		return "", lacks("no model in the InferenceService %s", service.Name)
	}
	var operations []map[string]any
	add := func(field string, value any) {
		operations = append(operations, map[string]any{"op": "add", "path": "/spec/predictor/" + field, "value": value})
	}
	if len(r.env) > 0 {
		add("model/env", slices.Concat(model.Env, r.env))
	}
	if len(r.args) > 0 {
		add("model/args", slices.Concat(model.Args, r.args))
	}
	if r.readiness != "" {
		add("model/readinessProbe", map[string]any{"httpGet": map[string]any{"path": r.readiness, "port": port}})
	}
	if r.fresh {
		add("model/startupProbe", map[string]any{"periodSeconds": 1})
		add("deploymentStrategy", allTogether())
	}
	patch, err := json.Marshal(operations)
	return string(patch), err
}

// allTogether replaces the replicas of a Deployment at the same time.
func allTogether() map[string]any {
	return map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"maxSurge": 0, "maxUnavailable": "100%"}}
}

// with is the environment with a release of one revision in the tree's place.
func (e *Env) with(name string, r release) (*Env, error) {
	patch, err := e.patchOf(name, r)
	if err != nil {
		return nil, err
	}
	return e.customized(patch)
}

// patchOf is a release of one revision as a change to the tree.
func (e *Env) patchOf(name string, r release) (tree.Patch, error) {
	for _, service := range e.Tree.Services {
		if service.Name == name {
			patch, err := r.patch(service, e.serverPort())
			return tree.Patch{Kind: "InferenceService", Name: name, Patch: patch}, err
		}
	}
	return tree.Patch{}, fmt.Errorf("%s has no InferenceService %s", e.Tree.Dir, name)
}

// restore brings the tree's own revision back, all its replicas together, and then the tree as it is.
func (e *Env) restore(ctx context.Context, name, template string) error {
	strategy, err := json.Marshal([]map[string]any{{"op": "add", "path": "/spec/predictor/deploymentStrategy", "value": allTogether()}})
	if err != nil {
		return err
	}
	together, err := e.customized(tree.Patch{Kind: "InferenceService", Name: name, Patch: string(strategy)})
	if err != nil {
		return err
	}
	err = together.Apply(ctx, together.Tree.Dir)
	if err == nil {
		err = e.became(ctx, name, both(of(template), ready))
	}
	return errors.Join(err, e.mend(ctx), e.Ready(ctx))
}

// fits says why a pod is not as it should be.
type fits func(corev1.Pod) error

// both wants one and the other.
func both(one, other fits) fits {
	return func(pod corev1.Pod) error { return errors.Join(one(pod), other(pod)) }
}

// templateOf is the hash of the template that a pod was made from.
func templateOf(pod corev1.Pod) string { return pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] }

// of wants pods of a template, notOf those of another.
func of(template string) fits {
	return func(pod corev1.Pod) error {
		if templateOf(pod) != template {
			return errors.New("it has another template")
		}
		return nil
	}
}

func notOf(template string) fits {
	return func(pod corev1.Pod) error {
		if templateOf(pod) == template {
			return errors.New("its template has not changed")
		}
		return nil
	}
}

// ready wants pods that are.
func ready(pod corev1.Pod) error {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New("it is not ready")
}

// unready wants pods whose server has started and is not ready.
func unready(pod corev1.Pod) error {
	server := serverStatus(pod)
	if server.Started == nil || !*server.Started || server.Ready {
		return fmt.Errorf("it is not one whose server has started without getting ready: %+v", server.State)
	}
	return nil
}

// crashed wants pods whose server has ended by itself, and is not ready.
func crashed(pod corev1.Pod) error {
	server := serverStatus(pod)
	if server.RestartCount == 0 || server.Ready {
		return fmt.Errorf("its server has not crashed: %+v", server.State)
	}
	return nil
}

// serverStatus is empty where the kubelet has not reported one yet.
func serverStatus(pod corev1.Pod) corev1.ContainerStatus {
	if i := slices.IndexFunc(pod.Status.ContainerStatuses, isServer); i >= 0 {
		return pod.Status.ContainerStatuses[i]
	}
	return corev1.ContainerStatus{}
}

// template is the one that all pods of a revision have.
func (e *Env) template(ctx context.Context, name string) (string, error) {
	found, err := e.modelPods(ctx, name)
	if err != nil {
		return "", err
	}
	return templateOf(found[0]), are(found, of(templateOf(found[0])))
}

// are wants all of these pods to fit.
func are(found []corev1.Pod, fits fits) error {
	for _, pod := range found {
		if err := fits(pod); err != nil {
			return fmt.Errorf("pod %s: %w", pod.Name, err)
		}
	}
	return nil
}

// became waits until a revision has all its pods, and each fits.
func (e *Env) became(ctx context.Context, name string, fits fits) error {
	want := e.replicas(name)
	return eventually(ctx, fmt.Sprintf("%d pods of %s to be as wanted", want, name), func(ctx context.Context) error {
		found, err := e.modelPods(ctx, name)
		if err == nil && len(found) != want {
			err = fmt.Errorf("there are %d", len(found))
		}
		return errors.Join(err, are(found, fits))
	})
}
