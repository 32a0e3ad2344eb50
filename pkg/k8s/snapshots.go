package k8s

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	ebsDriver   = "ebs.csi.aws.com"
	snapshotAPI = "snapshot.storage.k8s.io/v1"
)

// The part of the snapshot API's types that is used (external-snapshotter: client/apis/volumesnapshot/v1/types.go); the module
// brings clients and informers.

// VolumeSnapshot is a snapshot that claims of its namespace may be made of.
type VolumeSnapshot struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              VolumeSnapshotSpec `json:"spec"`
}

// VolumeSnapshotSpec says what the snapshot is.
type VolumeSnapshotSpec struct {
	Source VolumeSnapshotSource `json:"source"`
}

// VolumeSnapshotSource names the content of a snapshot that exists.
type VolumeSnapshotSource struct {
	VolumeSnapshotContentName string `json:"volumeSnapshotContentName"`
}

// VolumeSnapshotContent is a snapshot of a storage system.
type VolumeSnapshotContent struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              VolumeSnapshotContentSpec `json:"spec"`
}

// VolumeSnapshotContentSpec says which, and for which VolumeSnapshot it is.
type VolumeSnapshotContentSpec struct {
	VolumeSnapshotRef corev1.ObjectReference      `json:"volumeSnapshotRef"`
	DeletionPolicy    string                      `json:"deletionPolicy"`
	Driver            string                      `json:"driver"`
	Source            VolumeSnapshotContentSource `json:"source"`
}

// VolumeSnapshotContentSource names a snapshot as the driver does.
type VolumeSnapshotContentSource struct {
	SnapshotHandle string `json:"snapshotHandle"`
}

// VolumeSnapshots are the snapshots with weights that pods' volumes are made of, each with its content.
func VolumeSnapshots(t spec.Target) []manifest.Object {
	var contents, snapshots []manifest.Object
	for _, c := range claimsOf(t) {
		if c.volume.EBS != nil {
			contents = append(contents, snapshotContent(t, c))
			snapshots = append(snapshots, volumeSnapshot(t, c))
		}
	}
	return append(contents, snapshots...)
}

func snapshotContent(t spec.Target, c claimed) manifest.Object {
	content := &VolumeSnapshotContent{
		TypeMeta:   typeMeta(snapshotAPI, "VolumeSnapshotContent"),
		ObjectMeta: metav1.ObjectMeta{Name: volumeName(t, c.name), Labels: t.Labels(spec.ComponentServer)},
		Spec: VolumeSnapshotContentSpec{
			VolumeSnapshotRef: corev1.ObjectReference{Namespace: t.Namespace, Name: c.name},
			DeletionPolicy:    "Retain", Driver: ebsDriver, Source: VolumeSnapshotContentSource{SnapshotHandle: c.volume.EBS.SnapshotID},
		},
	}
	return manifest.Object{File: "volumesnapshotcontent-" + c.name, Typed: content, Comments: manifest.Comments{
		Head: "A snapshot of EBS with the weights, which exists. Nothing here makes or removes it.",
		At: map[string]string{
			"/spec/deletionPolicy":        "With Delete it would go with the VolumeSnapshot.",
			"/spec/source/snapshotHandle": "It cannot be changed here: other weights are another source, and another revision of the model.",
		},
	}}
}

func volumeSnapshot(t spec.Target, c claimed) manifest.Object {
	snapshot := &VolumeSnapshot{
		TypeMeta: typeMeta(snapshotAPI, "VolumeSnapshot"), ObjectMeta: meta(t, c.name, spec.ComponentServer),
		Spec: VolumeSnapshotSpec{Source: VolumeSnapshotSource{VolumeSnapshotContentName: volumeName(t, c.name)}},
	}
	return manifest.Object{File: "volumesnapshot-" + c.name, Typed: snapshot, Comments: manifest.Comments{
		Head: "What the volumes of pods are made of.",
	}}
}

// snapshotClass has what the driver passes on to EC2 (aws-ebs-csi-driver: docs/parameters.md; volumeInitializationRate from 1.43.0
// on).
func snapshotClass(v spec.Volume, labels map[string]string) manifest.Object {
	const parameter = "/parameters/"
	ebs := v.EBS
	parameters := map[string]string{
		"type": "gp3", "throughput": strconv.Itoa(ebs.Throughput), "iops": strconv.Itoa(ebs.IOPS), "encrypted": "true",
		"csi.storage.k8s.io/fstype": ebs.FSType,
	}
	at := map[string]string{
		parameter + "throughput":                 "MiB/s, as far as the instance has it; 125 unless asked.",
		parameter + "csi.storage.k8s.io~1fstype": "What the snapshot has: with another one the mount fails.",
		"/reclaimPolicy":                         "A volume goes with its pod.",
		"/volumeBindingMode":                     "In the zone of the pod's node, once that is known.",
	}
	if ebs.InitializationRate > 0 {
		parameters["volumeInitializationRate"] = strconv.Itoa(ebs.InitializationRate)
		at[parameter+"volumeInitializationRate"] = "MiB/s, at which a new volume gets the snapshot's blocks from S3. Without it that is slow, and slower still as reads\nwait for single blocks."
	}
	if ebs.KMSKeyID != "" {
		parameters["kmsKeyId"] = ebs.KMSKeyID
	}
	class := &storagev1.StorageClass{
		TypeMeta: typeMeta("storage.k8s.io/v1", "StorageClass"), ObjectMeta: metav1.ObjectMeta{Name: v.StorageClass, Labels: labels},
		Provisioner: ebsDriver, Parameters: parameters,
		ReclaimPolicy: ptr.To(corev1.PersistentVolumeReclaimDelete), VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	}
	return manifest.Object{File: "storageclass-" + v.StorageClass, Typed: class, Comments: manifest.Comments{
		Head: fmt.Sprintf("Makes an EBS volume of a snapshot, with %s on it, for each pod that asks for one.", ebs.FSType), At: at,
	}}
}
