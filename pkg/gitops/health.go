package gitops

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

// simulatorRollout is for a small image and no weights.
const simulatorRollout = 5 * time.Minute

// health is what must answer, with the replicas that always run: a Deployment, or a LeaderWorkerSet. A target has one kind.
type health struct {
	spec.Workload

	namespace string
	replicas  int
}

func healthOf(t spec.Target) []health {
	var list []health
	for _, r := range t.Revisions {
		one := health{t.Workload(r.Name), t.Namespace, r.MinReplicas}
		if t.Canary() { // KServe divides the replicas by the weights, which change without these objects
			one.replicas = 1
		}
		list = append(list, one)
	}
	return list
}

// rollout is how long the slowest revision may take from its object to its first answer.
func rollout(t spec.Target) sizing.Startup {
	var slowest sizing.Startup
	for _, r := range t.Revisions {
		if one := rolloutOf(r); one.Budget > slowest.Budget {
			slowest = one
		}
	}
	return slowest
}

func rolloutOf(r spec.RevisionTarget) sizing.Startup {
	if r.Runtime.Name == spec.Simulator && r.Runtime.StartupTimeout == "" {
		return sizing.Startup{Budget: simulatorRollout, Why: "the simulator has a small image and no weights"}
	}
	fetched := r.WeightsBytes
	switch {
	case r.Model.Source == "" || strings.HasPrefix(r.Model.Source, "pvc://") && r.Model.Download == nil:
		fetched = 0
	case fetched == 0:
		fetched = -1
	}
	return sizing.RolloutFor(r.Startup, fetched)
}

// currentExpr is true for one whose pods are all of its newest template and of which as many answer as always
// run. More may be on their way: an autoscaler's must not keep the next commit waiting. Pods beside the newest may be
// there where somebody lets a rollout surge, and be the ones that answer. What may go to zero is current there: its status
// counts nothing then.
func currentExpr(list []health) string {
	expression := fmt.Sprintf("has(status.%[2]s) && status.%[2]s >= %[1]s && has(status.updatedReplicas) && "+
		"status.updatedReplicas == spec.replicas && status.updatedReplicas == status.replicas", least(list), list[0].Answering)
	if !slices.ContainsFunc(list, func(h health) bool { return h.replicas == 0 }) {
		return expression
	}
	return fmt.Sprintf("spec.replicas == 0 && %s == 0 || %s", least(list), expression)
}

// failedExpr is true where the API server refuses the pods: a quota, a Secret that KServe's webhook looks for.
const failedExpr = "has(status.conditions) && status.conditions.exists(c, c.type == 'ReplicaFailure' && c.status == 'True')"

// least is the number of replicas, or a choice by name where the revisions have different ones.
func least(list []health) string {
	same := true
	var entries []string
	for _, h := range list {
		same = same && h.replicas == list[0].replicas
		entries = append(entries, fmt.Sprintf("'%s': %d", h.Name, h.replicas))
	}
	if same {
		return fmt.Sprint(list[0].replicas)
	}
	return "{" + strings.Join(entries, ", ") + "}[metadata.name]"
}
