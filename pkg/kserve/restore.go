package kserve

import (
	"fmt"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/constants"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// weightsVolume is a pod's own volume with the weights.
	weightsVolume = "weights"
	snapshotGroup = "snapshot.storage.k8s.io"
)

// restore gives every pod a volume of the snapshot, where the server looks for the weights. KServe's pvc:// has one claim for all
// pods, and a volume of EBS is on one node.
func restore(runtime *v1alpha1.ServingRuntime, comments manifest.Comments, r spec.RevisionTarget) {
	if !r.Model.Restored() {
		return
	}
	server := &runtime.Spec.Containers[0]
	server.VolumeMounts = append(server.VolumeMounts, corev1.VolumeMount{
		Name: weightsVolume, MountPath: constants.DefaultModelLocalMountPath, SubPath: r.Model.Folder(), ReadOnly: true,
	})
	volume := r.Model.Volume
	runtime.Spec.Volumes = append(runtime.Spec.Volumes, corev1.Volume{Name: weightsVolume, VolumeSource: corev1.VolumeSource{
		Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.PersistentVolumeAccessMode(volume.AccessMode)},
				StorageClassName: ptr.To(volume.StorageClass),
				Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(volume.Size)}},
				DataSource:       &corev1.TypedLocalObjectReference{APIGroup: ptr.To(snapshotGroup), Kind: "VolumeSnapshot", Name: r.Model.Claim()},
			},
		}},
	}})
	comments.At[fmt.Sprintf("/spec/volumes/%d", len(runtime.Spec.Volumes)-1)] = "A claim for each pod, made of the snapshot and removed with the pod. The zone is the pod's."
}

// unlabelled are the pointers to the metadata of claims of pods' own. KServe's schema knows none of its fields, and takes them away.
func unlabelled(runtime *v1alpha1.ServingRuntime) []string {
	var pointers []string
	for i, volume := range runtime.Spec.Volumes {
		if volume.Ephemeral != nil {
			pointers = append(pointers, fmt.Sprintf("/spec/volumes/%d/ephemeral/volumeClaimTemplate/metadata", i))
		}
	}
	return pointers
}
