package rule

import "slices"

// Labels that LeaderWorkerSet puts on pods (api/leaderworkerset/v1/leaderworkerset_types.go).
const (
	groupLabel = "leaderworkerset.sigs.k8s.io/name"
	indexLabel = "leaderworkerset.sigs.k8s.io/worker-index"
)

// groupWorkloads are the leaders and the workers of a LeaderWorkerSet; without a leaderTemplate a leader is as a worker
// (pkg/controllers/leaderworkerset_controller.go, constructLeaderStatefulSetApplyConfiguration). A group of one has no worker.
func groupWorkloads(object *Object) []*Workload {
	spec := object.Field("spec")
	templates := spec.Field("leaderWorkerTemplate")
	leader, worker := templates.Field("leaderTemplate"), templates.Field("workerTemplate")
	if !leader.Found() {
		leader = worker
	}
	all := []*Workload{groupWorkload(object, leader, "0")}
	all[0].Controller = object.Name
	all[0].Replicas = spec.Field("replicas").IntOr(1)
	if size := templates.Field("size").IntOr(1); size > 1 {
		workers := groupWorkload(object, worker, "1")
		workers.Replicas, workers.joins = all[0].Replicas*(size-1), true
		all = append(all, workers)
	}
	serves := slices.ContainsFunc(all, runsModel)
	for _, w := range all {
		w.Serves = serves
	}
	return all
}

// runsModel tells a model's pods from others that run in groups.
func runsModel(w *Workload) bool {
	return slices.ContainsFunc(w.Containers, func(c Container) bool { return IsVLLM(c) || c.DeviceCount() > 0 })
}

func groupWorkload(object *Object, template Value, index string) *Workload {
	w := native(object, template, template.Field("spec"))
	w.main = mainAmong(w.Containers)
	w.Labels[groupLabel], w.Labels[indexLabel] = object.Name, index
	return w
}
