package cases

import (
	"context"
	"errors"
	"strings"

	"github.com/kservegen/kservegen/e2e/kind/install"
)

// drains takes a node out of service as a person does. All replicas of the first revision are on it: its
// PodDisruptionBudget must hold the last one back until another is ready elsewhere.
func drains(ctx context.Context, e *Env) (err error) {
	if !e.has("PodDisruptionBudget") {
		return lacks("no PodDisruptionBudget")
	}
	workers, err := install.WorkerNames(ctx, e.Kubectl)
	if err != nil {
		return err
	}
	defer func() {
		_, undo := e.Kubectl.Run(ctx, "uncordon", "--selector=kubernetes.io/hostname")
		err = errors.Join(err, undo, e.Ready(ctx), e.mend(ctx))
	}()
	stable, _, err := e.halves(ctx)
	if err != nil {
		return err
	}
	if err := e.needsReplicas(service(stable)); err != nil {
		return err
	}
	node := workers[0]
	if err := e.gather(ctx, service(stable), node); err != nil {
		return err
	}
	said := ""
	answers, err := e.underLoad(ctx, "drain of a worker", func(ctx context.Context) (err error) {
		said, err = e.Kubectl.Said(ctx, "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=8m")
		return err
	})
	if err != nil {
		return err
	}
	if err := e.left(ctx, node); err != nil {
		return err
	}
	return errors.Join(e.heldBack(said, service(stable)), nothingLost(answers))
}

// gather leaves all pods of a revision on one node.
func (e *Env) gather(ctx context.Context, service, node string) error {
	before, err := e.modelPods(ctx, service)
	if err != nil {
		return err
	}
	others := "kubernetes.io/hostname!=" + node
	if _, err := e.Kubectl.Run(ctx, "cordon", "--selector="+others); err != nil {
		return err
	}
	for _, pod := range before {
		if pod.Spec.NodeName == node {
			continue
		}
		if _, err := e.Kubectl.Run(ctx, "-n", pod.Namespace, "delete", "pod", pod.Name, "--timeout=3m"); err != nil {
			return err
		}
		if err := e.Ready(ctx); err != nil {
			return err
		}
	}
	_, err = e.Kubectl.Run(ctx, "uncordon", "--selector="+others)
	return err
}

// left wants no pod of the model on a node.
func (e *Env) left(ctx context.Context, node string) error {
	found, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	for _, pod := range found {
		if pod.Spec.NodeName == node {
			return violated("pod %s is on the drained node %s", pod.Name, node)
		}
	}
	return nil
}

// heldBack reads in what `kubectl drain` said that the API server refused to evict a pod of a revision.
func (e *Env) heldBack(said, service string) error {
	refused := 0
	for line := range strings.Lines(said) {
		if strings.Contains(line, service+"-predictor-") && strings.Contains(line, "disruption budget") {
			refused++
		}
	}
	e.Figure("the disruption budget refused %d evictions of %s", refused, service)
	if refused == 0 {
		return violated("no eviction of %s was refused, although all its pods were on the node", service)
	}
	return nil
}

// withoutBudgets takes the PodDisruptionBudgets out of the tree.
func withoutBudgets(ctx context.Context, e *Env) error {
	if err := e.customize(ctx, "PodDisruptionBudget", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: any}, $patch: delete}`); err != nil {
		return err
	}
	_, err := e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "delete", "poddisruptionbudget", "--all")
	return err
}
