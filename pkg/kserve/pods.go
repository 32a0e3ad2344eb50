package kserve

import (
	"fmt"
	"maps"
	"strings"

	"github.com/kserve/kserve/pkg/constants"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// weights is the volume that KServe would mount for a storageUri.
const weights = "model"

// Pods are the pods of a replica over several nodes, for what makes them without KServe.
type Pods struct {
	Leader, Worker corev1.PodTemplateSpec
	// Comments on the leader's pod, from its /spec on.
	Comments manifest.Comments
}

// Pods builds the pods that KServe would make of a revision: the runtime's container with the resources, the volume of the
// weights, and the pod around them. The pods of a LeaderWorkerSet learn their places from variables of its controller
// (AddLWSVariables in lws: pkg/utils/pod/pod_utils.go).
func (b *Builder) Pods(t spec.Target, r spec.RevisionTarget) (Pods, error) {
	runtime, of, err := b.runtime(t, r)
	if err != nil {
		return Pods{}, err
	}
	comments := manifest.Comments{At: map[string]string{}}
	for pointer, comment := range of.At {
		if strings.HasPrefix(pointer, "/spec/containers/") || strings.HasPrefix(pointer, "/spec/volumes/") {
			comments.At[pointer] = comment
		}
	}
	container := runtime.Spec.Containers[0]
	grace := GracePeriod(container, r)
	container.Resources = resources(r, cacheGiB(runtime))
	container.VolumeMounts = append(container.VolumeMounts, mountOf(r.Model))
	waits := await(r, container, weights)
	others := worker(container, lwsGroup(), r)
	lead(&container, comments, lwsGroup(), r)
	reword(comments, container, r)
	if len(waits) > 0 {
		comments.At["/spec/initContainers"] = "The server starts when the Job has filled its folder."
	}
	pod := func(c corev1.Container) corev1.PodTemplateSpec {
		labels := t.RevisionLabels(spec.ComponentServer, r.Name)
		maps.Copy(labels, podLabels(t, r))
		template := corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: podAnnotations(t, r)},
			Spec:       corev1.PodSpec(podSpec(t, r, int64(grace.Seconds()))),
		}
		template.Spec.InitContainers = waits
		template.Spec.Containers = []corev1.Container{c}
		template.Spec.Volumes = append(runtime.DeepCopy().Spec.Volumes, volumeOf(r.Model))
		return template
	}
	return Pods{Leader: pod(container), Worker: pod(others), Comments: comments}, nil
}

func lwsGroup() group {
	return group{size: "$(LWS_GROUP_SIZE)", leader: "LWS_LEADER_ADDRESS", rank: "$(LWS_WORKER_INDEX)"}
}

// reword replaces what a runtime's comments say of KServe.
func reword(comments manifest.Comments, container corev1.Container, r spec.RevisionTarget) {
	for i, arg := range container.Args {
		switch pointer := fmt.Sprintf("%s/%d", argsPointer, i); flagName(arg) {
		case "model":
			comments.At[pointer] = "where the volume of the weights is mounted"
		case "served-model-name":
			comments.At[pointer] = "The same on every revision."
		}
	}
	comments.At["/spec/containers/0/ports/0/name"] = "the Service's targetPort; Istio takes the protocol from the Service's own name"
	comments.At["/spec/containers/0/startupProbe"] = "Start-up budget: " + r.Startup.Why + "."
	comments.At["/spec/containers/0/resources"] = "What each node gives."
	if r.Network != nil {
		comments.At["/spec/containers/0/resources"] += " " + r.Network.Resource + " carries what the nodes say to each other."
	}
}

// mountOf is where KServe mounts the weights: of a claim the path that the source has, of an image its folder /models, which
// is where images for KServe have them (ConfigureImageVolumeToContainer in pkg/utils/storage.go).
func mountOf(m spec.Model) corev1.VolumeMount {
	mount := corev1.VolumeMount{Name: weights, MountPath: constants.DefaultModelLocalMountPath, ReadOnly: true}
	scheme, rest, _ := strings.Cut(m.Source, "://")
	if _, path, ok := strings.Cut(rest, "/"); ok && scheme == "pvc" {
		mount.SubPath = strings.Trim(path, "/")
	}
	if scheme == "oci" {
		mount.SubPath = "models" // an image's from Kubernetes 1.33 on
	}
	return mount
}

func volumeOf(m spec.Model) corev1.Volume {
	scheme, rest, _ := strings.Cut(m.Source, "://")
	if scheme == "oci" {
		// Kubernetes mounts images from 1.35 on, and from 1.33 where the feature gate ImageVolume is on.
		return corev1.Volume{Name: weights, VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: rest}}}
	}
	claim, _, _ := strings.Cut(rest, "/")
	return corev1.Volume{Name: weights, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim, ReadOnly: true},
	}}
}
