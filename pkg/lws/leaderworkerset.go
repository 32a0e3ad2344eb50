package lws

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	lwsv1 "sigs.k8s.io/lws/api/leaderworkerset/v1"

	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const leader = "/spec/leaderWorkerTemplate/leaderTemplate"

// LeaderWorkerSet builds the groups of one revision: a replica is a group of pods, one on each of its nodes.
func LeaderWorkerSet(b *kserve.Builder, t spec.Target, r spec.RevisionTarget) (manifest.Object, error) {
	pods, err := b.Pods(t, r)
	if err != nil {
		return manifest.Object{}, err
	}
	pods.Leader.Labels[spec.RoleLabel] = spec.RoleLeader
	set := &lwsv1.LeaderWorkerSet{
		TypeMeta: metav1.TypeMeta{APIVersion: lwsv1.GroupVersion.String(), Kind: "LeaderWorkerSet"},
		ObjectMeta: metav1.ObjectMeta{
			Name: t.Qualified(r.Name), Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentServer, r.Name),
		},
		Spec: lwsv1.LeaderWorkerSetSpec{
			LeaderWorkerTemplate: lwsv1.LeaderWorkerTemplate{
				Size:           ptr.To(int32(r.Nodes)),
				RestartPolicy:  lwsv1.RecreateGroupOnPodRestart,
				LeaderTemplate: &pods.Leader,
				WorkerTemplate: pods.Worker,
			},
			StartupPolicy: lwsv1.LeaderCreatedStartupPolicy,
			NetworkConfig: &lwsv1.NetworkConfig{SubdomainPolicy: ptr.To(lwsv1.SubdomainUniquePerReplica)},
			RolloutStrategy: lwsv1.RolloutStrategy{
				Type: lwsv1.RollingUpdateStrategyType,
				RollingUpdateConfiguration: &lwsv1.RollingUpdateConfiguration{
					Partition: ptr.To(int32(0)), MaxUnavailable: intstr.FromInt32(1), MaxSurge: intstr.FromInt32(0),
				},
			},
		},
	}
	if !kserve.Scales(t, r) {
		set.Spec.Replicas = ptr.To(int32(r.MinReplicas))
	}
	return manifest.Object{
		File: "leaderworkerset-" + r.Name, Typed: set, Comments: comments(t, r, pods.Comments),
		Absent: []string{leader + "/metadata/creationTimestamp", "/spec/leaderWorkerTemplate/workerTemplate/metadata/creationTimestamp"},
	}, nil
}

// comments explain the set; those on the leader's pod move to where its template is.
func comments(t spec.Target, r spec.RevisionTarget, pod manifest.Comments) manifest.Comments {
	at := map[string]string{
		"/spec/leaderWorkerTemplate/size":                                              fmt.Sprintf("%d nodes with %d devices each make one replica.", r.Nodes, r.DevicesPerNode()),
		"/spec/leaderWorkerTemplate/restartPolicy":                                     "The ranks of one engine start together or not at all: a container that restarts, a sidecar's too, takes\nits whole group along.",
		"/spec/startupPolicy":                                                          "The leader is not ready before the workers have joined; waiting for it would wait for ever.",
		"/spec/networkConfig":                                                          "Each group has a headless Service of its own, and its leader an address in it.",
		"/spec/rolloutStrategy":                                                        "A group at a time and no surge: it would need spare nodes. A new version is a new revision.",
		leader + "/metadata/labels/kservegen.dev~1role":                                "What the Service selects: the workers serve no API.",
		leader + "/spec/affinity":                                                      "All pods of a group in one zone: RDMA does not cross zones, and traffic between them costs.\nThe groups choose their zones each for itself (matchLabelKeys).",
		"/spec/leaderWorkerTemplate/workerTemplate/spec":                               "The same engine without an API. The restart policy does for it what probes would.",
		leader + "/metadata/annotations/proxy.istio.io~1config":                        "The sidecar stays until its connections are gone, or a stream is cut at shutdown.",
		leader + "/metadata/annotations/traffic.sidecar.istio.io~1includeInboundPorts": "The sidecar guards the API alone. What the nodes say to each other (torch.distributed, NCCL, Gloo,\nmessage queues) has ports of its own choice and bypasses it; the NetworkPolicy keeps others away.",
		leader + "/spec/terminationGracePeriodSeconds":                                 "preStop + drain + teardown: streams may end before the pod does.",
	}
	if !kserve.Scales(t, r) {
		at["/spec/replicas"] = "Groups, of which each serves alone."
	}
	for pointer, comment := range pod.At {
		at[leader+"/spec"+strings.TrimPrefix(pointer, "/spec")] = comment
	}
	return manifest.Comments{
		Head: fmt.Sprintf("Revision %s of %s, without KServe: groups of %d pods that start, restart and are replaced as one\n(kubernetes-sigs/lws). It is not edited any more once it serves: change by a new revision.", r.Name, t.Name, r.Nodes),
		At:   at,
	}
}
