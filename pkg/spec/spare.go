package spec

import (
	"cmp"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation"
)

// SpareClass is the PriorityClass of pods that hold nodes, which `render --shared` writes.
const SpareClass = "spare-nodes"

// sparePriority is below that of every other pod, and the lowest for which the Cluster Autoscaler brings nodes.
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md (How can I configure overprovisioning)
const sparePriority = -10

// SparePriority is that of SpareClass.
func SparePriority() int32 { return sparePriority }

// checkSpare wants room for replicas that spare nodes wait for.
func (r *resolver) checkSpare(t Target) {
	spare := r.spec.Scaling.Spare
	if spare == nil {
		return
	}
	const path = "spec.scaling.spare"
	of := t.SpareRevision()
	switch {
	case spare.Replicas < 1:
		r.failf(path+".replicas", "must be at least 1, got %d", spare.Replicas)
	case of == nil || of.Devices == 0:
		r.failf(path, "holds nodes with accelerators, and no revision has one; leave it out")
	case of.MultiNode():
		r.failf(path, "a replica over several nodes is a group that starts together, for which nodes are not held one by one; leave it out")
	case t.Scaling.Type == "off" || of.MaxReplicas <= of.MinReplicas:
		r.failf(path, "holds nodes for replicas that come, and none do from %d to %d; raise replicas.max, or leave it out", of.MinReplicas, of.MaxReplicas)
	case spare.Replicas > of.MaxReplicas-of.MinReplicas:
		r.failf(path+".replicas", "%d are more than the %d that can come (replicas.max less replicas.min); lower it", spare.Replicas, of.MaxReplicas-of.MinReplicas)
	}
	for _, revision := range t.Revisions {
		if t.Workload(revision.Name).Name == t.SpareName() {
			r.failf(path, "its Deployment would be called %s, and so is that of revision %s; rename the revision", t.SpareName(), revision.Name)
		}
	}
	if class := spare.PriorityClass; class != "" && len(validation.IsDNS1123Subdomain(class)) > 0 {
		r.failf(path+".priorityClass", "%q is not the name of a PriorityClass", class)
	} else if systemClass.MatchString(class) {
		r.failf(path+".priorityClass", "%s would keep the nodes from the models that they wait for; leave it out, or name a class below 0", class)
	}
}

// systemClass are Kubernetes' own, whose pods are never evicted for others.
var systemClass = regexp.MustCompile(`^system-`)

// SpareRevision is the one whose replicas spare nodes wait for: that of the most traffic, nil for none.
func (t Target) SpareRevision() *RevisionTarget {
	if t.Scaling.Spare == nil {
		return nil
	}
	var most *RevisionTarget
	for i := range t.Revisions {
		if most == nil || t.Revisions[i].Weight > most.Weight {
			most = &t.Revisions[i]
		}
	}
	return most
}

// SpareClassName is the class of the pods that hold nodes.
func (t Target) SpareClassName() string { return cmp.Or(t.Scaling.Spare.PriorityClass, SpareClass) }

// SpareName is that of the Deployment of those pods.
func (t Target) SpareName() string { return t.Name + "-spare" }
