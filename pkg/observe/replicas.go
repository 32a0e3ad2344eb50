package observe

import (
	"fmt"
	"time"

	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/vllm"
)

// slack is how long over a replica's start something may last before it is said: scheduling, pulling an image, a node that is made.
const slack = 10 * time.Minute

// simulatorStart is plenty for a server that loads nothing, and whose budget is that of a model it does not have.
const simulatorStart = 2 * time.Minute

// startup is how long a replica of any revision may take to start.
func (q queries) startup() time.Duration {
	longest := time.Duration(0)
	for _, r := range q.target.Revisions {
		budget := r.Startup.Budget
		if r.Runtime.Name == spec.Simulator && r.Runtime.StartupTimeout == "" {
			budget = simulatorStart
		}
		longest = max(longest, budget)
	}
	return longest
}

// controllers are the names of what has the replicas, as kube-state-metrics tells them: Deployments, or the StatefulSets of leaders
// that a LeaderWorkerSet has, of which kube-state-metrics knows nothing itself
// (docs/metrics/workload in kubernetes/kube-state-metrics; the names: pkg/controllers/leaderworkerset_controller.go of lws).
func (q queries) controllers() (wanted, ready, label string) {
	if q.target.Groups() {
		return "kube_statefulset_replicas", "kube_statefulset_status_replicas_ready", "statefulset"
	}
	return "kube_deployment_spec_replicas", "kube_deployment_status_replicas_available", "deployment"
}

// replicas are the alerts about what is there to serve, and about its metrics. At zero on purpose nothing is wanted, and so nothing is
// missing.
func (q queries) replicas() []alert {
	wanted, ready, label := q.controllers()
	pattern := q.target.Workload("(" + q.revisionNames(nil) + ")").Name
	selector := fmt.Sprintf("{namespace=%q, %s=~%q}", q.target.Namespace, label, pattern)
	most := func(expression string) string { return fmt.Sprintf("max by (%s) (%s)", label, expression) }
	named := func(expression string) string {
		return fmt.Sprintf("label_replace(\n  %s,\n  %q, \"$1\", %q, %q\n)", expression, q.revision, label, pattern)
	}
	start := minutes(q.startup())
	down := most(ready+selector) + " == 0\n  and " + most(fmt.Sprintf("min_over_time(%s%s[%s])", wanted, selector, start)) +
		" > 0\n  and " + most(fmt.Sprintf("%s%s offset %s", wanted, selector, start)) + " > 0"
	return []alert{
		{
			name: "LLMRevisionDown", severity: critical, expression: named(down), lasts: "2m",
			summary:     q.target.Name + ": no replica of " + q.ofRevision() + " is ready.",
			description: "Replicas have been wanted for longer than one may take to start (" + start + "), and none is ready: its share of the requests is answered with 503. Look at the events and the logs of its pods: devices that are not there, weights that do not load, a flag that vLLM refuses.",
		},
		{
			name: "LLMReplicasMissing", severity: warning,
			expression: named(most(ready+selector) + " < " + most(wanted+selector) + "\n  and " + most(ready+selector) + " > 0"), lasts: minutes(q.startup() + slack),
			summary:     q.target.Name + ": " + q.ofRevision() + " has fewer replicas than it wants.",
			description: "Only {{ $value }} are ready, for longer than one may take to start. Most often there is no node with the devices: look at the events of the pods that are pending.",
		},
		{
			name: "LLMMetricsMissing", severity: warning,
			expression: q.by("count", scraped+q.selector()) + fmt.Sprintf("\nunless on (%s) ", q.revision) + q.by("count", q.gauge(vllm.Running)), lasts: minutes(q.startup() + slack),
			summary:     q.target.Name + ": nothing is known of " + q.ofRevision() + ".",
			description: "Prometheus has {{ $value }} pods of it, and no metrics of vLLM: no other alert can fire for it, and an autoscaler is blind. Look at the target in Prometheus: a NetworkPolicy, the sidecar's port 15020, or a server that has not started.",
		},
	}
}
