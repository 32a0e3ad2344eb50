package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// revisionStatus is what `kservegen status` says of a revision in the cluster.
type revisionStatus struct {
	Name                string
	Cluster             *int
	Replicas, Answering int
	Ready               bool
}

// tellsStatus: `kservegen status` has the weights, the replicas and who is ready, before and after a step.
func tellsStatus(ctx context.Context, e *Env) (err error) {
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	other := e.other(stable, next)
	moved, err := e.moved(other)
	if err != nil {
		return err
	}
	if err := e.statusIs(ctx, e.Tree.Shares()); err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mend)
	if err := e.applyMoved(ctx, moved, other); err != nil {
		return err
	}
	return e.statusIs(ctx, other)
}

func (e *Env) statusIs(ctx context.Context, shares tree.Shares) error {
	model, err := e.model()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, e.Kservegen, "status", "-n", e.Tree.Namespace(), model, "--kubeconfig", e.Kubectl.Kubeconfig, "-o", "json")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return violated("%s: %v\n%s", cmd, err, exit.Stderr)
	}
	if err != nil {
		return err
	}
	var told struct{ Revisions []revisionStatus }
	if err := json.Unmarshal(out, &told); err != nil {
		return err
	}
	found := map[string]revisionStatus{}
	for _, r := range told.Revisions {
		found[model+"-"+r.Name] = r
	}
	for host, share := range shares {
		r, has := found[service(host)]
		want := fmt.Sprintf("weight %d, %d replicas that answer", share, e.replicas(service(host)))
		if !has || r.Cluster == nil || *r.Cluster != share || r.Answering != e.replicas(service(host)) || r.Replicas != r.Answering || !r.Ready {
			return violated("%s has %s, and kservegen status says %s", service(host), want, out)
		}
	}
	e.Figure("kservegen status has the weights %v", shares)
	return nil
}
