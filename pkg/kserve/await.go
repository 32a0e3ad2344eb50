package kserve

import (
	"path"

	"github.com/kserve/kserve/pkg/constants"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// awaitName is the init container that waits for the download of the weights.
	awaitName = "wait-for-weights"
	// awaitMount is where it has the whole claim.
	awaitMount = "/weights"
	// awaitScript ends once the folder has files. The download gives it its name when all are there and checked.
	awaitScript = `until [ -n "$(ls -A "$WEIGHTS" 2>/dev/null)" ]; do echo "waiting for $WEIGHTS of the claim: see the Job that downloads it"; sleep 15; done`
)

// await makes a pod of a revision wait for its download, before the server starts. It mounts the claim by the volume that has
// it already: a second volume of one claim leaves a pod without any (kubernetes#127004). The name is the one that KServe
// gives the volume, and KServe makes no other where that is there (AddModelMount in pkg/utils/storage.go, from 0.17 on).
func await(r spec.RevisionTarget, server corev1.Container, volume string) []corev1.Container {
	if r.Model.Download == nil {
		return nil
	}
	list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
	return []corev1.Container{{
		Name: awaitName, Image: image(server.Image, r.Runtime),
		Command: []string{"/bin/sh", "-c"}, Args: []string{awaitScript},
		Env:             []corev1.EnvVar{{Name: "WEIGHTS", Value: path.Join(awaitMount, r.Model.Folder())}},
		Resources:       corev1.ResourceRequirements{Requests: list, Limits: list},
		VolumeMounts:    []corev1.VolumeMount{{Name: volume, MountPath: awaitMount, ReadOnly: true}},
		SecurityContext: server.SecurityContext.DeepCopy(),
	}}
}

// awaited is the volume of a claim that a download fills, as KServe would call it. Read-only, or the kubelet would make the
// folder that the server mounts, for root and empty.
func awaited(r spec.RevisionTarget) []corev1.Volume {
	if r.Model.Download == nil {
		return nil
	}
	volume := volumeOf(r.Model)
	volume.Name = constants.PvcSourceMountName
	return []corev1.Volume{volume}
}

// explainAwait comments what awaits at a pod's pointer.
func explainAwait(at map[string]string, pod string, r spec.RevisionTarget) {
	if r.Model.Download == nil {
		return
	}
	at[pod+"/initContainers"] = "The server starts when the Job has filled its folder. The image is the server's, which has to be there anyway."
	at[pod+"/volumes"] = "KServe's own name for it, so that it adds the mount and no second volume: with two of one claim a pod\nnever starts (kubernetes#127004)."
}
