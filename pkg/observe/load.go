package observe

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/vllm"
)

const (
	// crowded is how many times what a replica is scaled by may wait: then the autoscaler cannot keep up, or has nothing left.
	crowded = 2
	// perEngine is what waits in an engine where replicas are scaled by something else: the default target of spec.scaling.
	perEngine = 5
	// fullCache is where vLLM begins to let requests wait for blocks, and soon to preempt.
	fullCache = 0.95
	// preempted is the share of preemptions in finished requests that is more than a peak. Each computes a prompt and an answer again.
	// vLLM: docs/configuration/optimization.md (Preemption).
	preempted = 0.1
)

// load are the alerts about what callers will notice if it goes on.
func (q queries) load() []alert {
	waiting := q.by("avg", q.by("sum", q.gauge(vllm.Waiting), "pod"))
	preemptions := q.by("sum", q.rate(vllm.Preemptions, "", "10m")) + "\n/ " + q.by("sum", q.rate(vllm.Finished, "", "10m")) + " > " + number(preempted) +
		"\nand " + q.by("sum", q.over("increase", vllm.Preemptions, "", "10m")) + fmt.Sprintf(" >= %d", leastBad)
	return []alert{
		{
			name: "LLMRequestsWaiting", severity: warning, expression: waiting + " > " + q.manyWaiting(), lasts: "15m",
			summary:     q.target.Name + ": requests wait in " + q.ofRevision() + ".",
			description: "{{ $value | humanize }} of them in each replica, which is more than an autoscaler aims at: replicas.max is reached, there is no node for another one, or nothing scales it.",
		},
		{
			name: "LLMCacheFull", severity: warning, expression: q.by("avg", q.gauge(vllm.CacheUsage)) + " > " + number(fullCache), lasts: "15m",
			summary:     q.target.Name + ": the KV cache of " + q.ofRevision() + " is full.",
			description: "{{ $value | humanizePercentage }} of its blocks are used: requests wait for room, and are preempted. More replicas, a smaller max-model-len or max-num-seqs, or a KV cache of fp8.",
		},
		{
			name: "LLMPreemptions", severity: warning, expression: preemptions, lasts: "10m",
			summary:     q.target.Name + ": " + q.ofRevision() + " computes requests again.",
			description: "{{ $value | humanizePercentage }} as many preemptions as finished requests: the KV cache is too small for what is sent. A smaller max-num-seqs, more replicas, or a KV cache of fp8.",
		},
	}
}

// manyWaiting is crowded times the target of the revision that lets most wait. A target of another metric says nothing about waiting.
func (q queries) manyWaiting() string {
	most := 0.0
	for _, r := range q.target.Revisions {
		target := perEngine * float64(max(r.DataParallel, 1))
		if q.names[vllm.Waiting][0] == q.target.Scaling.Metric {
			quantity := resource.MustParse(q.target.ScalingTarget(r))
			target = quantity.AsApproximateFloat64()
		}
		most = max(most, target)
	}
	return number(crowded * most)
}
