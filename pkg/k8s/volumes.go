package k8s

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	fsxDriver = "fsx.csi.aws.com"
	efsDriver = "efs.csi.aws.com"
	// lustreVersion is the one that AWS recommends for new file systems; every deployment type has it. Left out, FSx makes
	// 2.10 or 2.12.
	// https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystem.html#FSx-CreateFileSystem-request-FileSystemTypeVersion
	lustreVersion = "2.15"
	keepOnPrune   = "kustomize.toolkit.fluxcd.io/prune"
)

// claimed is a claim that the document asks for.
type claimed struct {
	name     string
	volume   spec.Volume
	download bool
}

// claimsOf lists those of a target, each once.
func claimsOf(t spec.Target) []claimed {
	var list []claimed
	for _, r := range t.Revisions {
		if r.Model.Volume == nil || r.Model.Source == "" {
			continue
		}
		name := r.Model.Claim()
		if !slices.ContainsFunc(list, func(c claimed) bool { return c.name == name }) {
			list = append(list, claimed{name, *r.Model.Volume, r.Model.Download != nil})
		}
	}
	return list
}

// volumeName of the PersistentVolume of a file system that exists. Volumes have no namespace.
func volumeName(t spec.Target, claim string) string { return t.Namespace + "-" + claim }

// PersistentVolumes are those of file systems that exist. Each is for one claim.
func PersistentVolumes(t spec.Target) []manifest.Object {
	var objects []manifest.Object
	for _, c := range claimsOf(t) {
		if c.volume.Static() {
			objects = append(objects, persistentVolume(t, c))
		}
	}
	return objects
}

func persistentVolume(t spec.Target, c claimed) manifest.Object {
	volume := &corev1.PersistentVolume{
		TypeMeta:   typeMeta("v1", "PersistentVolume"),
		ObjectMeta: metav1.ObjectMeta{Name: volumeName(t, c.name), Labels: t.Labels(spec.ComponentServer)},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(c.volume.Size)},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.PersistentVolumeAccessMode(c.volume.AccessMode)},
			ClaimRef:                      &corev1.ObjectReference{Namespace: t.Namespace, Name: c.name},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
		},
	}
	volume.Annotations = map[string]string{keepOnPrune: "disabled"}
	at := map[string]string{
		"/metadata/annotations": "It stays with its claim, which Flux leaves when the model goes.",
		"/spec/claimRef":        "No other claim gets it.",
		"/spec/capacity":        "For the claim to match. What there is room for is the file system's own affair.",
	}
	head := lustre(volume, c.volume.FSx, at)
	if efs := c.volume.EFS; efs != nil {
		head = elastic(volume, efs, at)
	}
	return manifest.Object{
		File: "persistentvolume-" + c.name, Typed: volume, Absent: []string{"/status"}, Comments: manifest.Comments{Head: head, At: at},
	}
}

// lustre makes a volume an FSx file system.
// https://github.com/kubernetes-sigs/aws-fsx-csi-driver/tree/master/examples/kubernetes/static_provisioning
func lustre(volume *corev1.PersistentVolume, fsx *spec.FSx, at map[string]string) string {
	if fsx == nil {
		return ""
	}
	volume.Spec.MountOptions = []string{"flock"}
	at["/spec/mountOptions"] = lockWhy
	volume.Spec.CSI = &corev1.CSIPersistentVolumeSource{
		Driver: fsxDriver, VolumeHandle: fsx.FileSystemID,
		VolumeAttributes: map[string]string{"dnsname": fsx.DNSName, "mountname": fsx.MountName},
	}
	if fsx.Zone != "" {
		volume.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{fsx.Zone}}},
		}}}}
		at["/spec/nodeAffinity"] = "Pods that mount it run in the zone of the file system."
	}
	return "An FSx for Lustre file system that exists. The CSI driver mounts it; nothing here makes or removes it."
}

const lockWhy = "Without it flock, by which programs keep out of each other's files, fails on Lustre (mount.lustre(8))."

// elastic makes a volume an EFS file system.
// https://github.com/kubernetes-sigs/aws-efs-csi-driver/tree/master/examples/kubernetes/efs/access_points
func elastic(volume *corev1.PersistentVolume, efs *spec.EFS, at map[string]string) string {
	handle := efs.FileSystemID
	if efs.AccessPointID != "" {
		handle += "::" + efs.AccessPointID
		at["/spec/csi/volumeHandle"] = "File system and access point, which says the folder and the user."
	}
	volume.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: efsDriver, VolumeHandle: handle}
	return "An EFS file system that exists. The CSI driver mounts it, by TLS; nothing here makes or removes it."
}

// PersistentVolumeClaims are those that the document asks for, one per claim.
func PersistentVolumeClaims(t spec.Target) []manifest.Object {
	var objects []manifest.Object
	for _, c := range claimsOf(t) {
		if c.volume.EBS == nil { // pods have their own
			objects = append(objects, persistentVolumeClaim(t, c))
		}
	}
	return objects
}

func persistentVolumeClaim(t spec.Target, c claimed) manifest.Object {
	claim := &corev1.PersistentVolumeClaim{
		TypeMeta: typeMeta("v1", "PersistentVolumeClaim"), ObjectMeta: meta(t, c.name, spec.ComponentServer),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.PersistentVolumeAccessMode(c.volume.AccessMode)},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(c.volume.Size)},
			},
		},
	}
	claim.Annotations = map[string]string{keepOnPrune: "disabled"}
	at := map[string]string{"/metadata/annotations": "Flux leaves it when the model goes: weights take hours to bring back."}
	head := "Holds the weights; something else fills it. KServe mounts it read-only."
	if c.download {
		head = "Holds the weights; a Job fills it. KServe mounts it read-only."
	}
	switch {
	case c.volume.Static():
		claim.Spec.StorageClassName, claim.Spec.VolumeName = ptr.To(""), volumeName(t, c.name)
		at["/spec/storageClassName"] = "None, not even the cluster's default: the volume exists."
	case c.volume.StorageClass != "":
		claim.Spec.StorageClassName = ptr.To(c.volume.StorageClass)
	}
	if c.volume.Creates() {
		at["/spec/resources"] = "FSx for Lustre has steps: 1200Gi, 2400Gi, then multiples of 2400Gi."
	}
	return manifest.Object{File: "persistentvolumeclaim-" + c.name, Typed: claim, Comments: manifest.Comments{Head: head, At: at}}
}

// StorageClasses are those by which CSI drivers make FSx file systems, and volumes of snapshots, for the claims of several models.
func StorageClasses(targets []spec.Target, labels map[string]string) []manifest.Object {
	var objects []manifest.Object
	seen := map[string]bool{}
	for _, t := range targets {
		for _, c := range claimsOf(t) {
			made := c.volume.Creates() || c.volume.EBS != nil
			if !made || seen[c.volume.StorageClass] {
				continue
			}
			seen[c.volume.StorageClass] = true
			if c.volume.EBS != nil {
				objects = append(objects, snapshotClass(c.volume, labels))
			} else {
				objects = append(objects, storageClass(c.volume, labels))
			}
		}
	}
	slices.SortFunc(objects, func(a, b manifest.Object) int { return cmp.Compare(a.File, b.File) })
	return objects
}

// storageClass has what the driver passes on to FSx (volumeParams… in aws-fsx-csi-driver, pkg/driver/controller.go).
func storageClass(v spec.Volume, labels map[string]string) manifest.Object {
	fsx := v.FSx
	parameters := map[string]string{
		"subnetId": fsx.SubnetID, "securityGroupIds": strings.Join(fsx.SecurityGroupIDs, ","),
		"deploymentType": fsx.DeploymentType, "fileSystemTypeVersion": lustreVersion,
	}
	for name, value := range map[string]string{"s3ImportPath": fsx.S3ImportPath, "kmsKeyId": fsx.KMSKeyID} {
		if value != "" {
			parameters[name] = value
		}
	}
	if fsx.PerUnitStorageThroughput > 0 {
		parameters["perUnitStorageThroughput"] = strconv.Itoa(fsx.PerUnitStorageThroughput)
	}
	at := map[string]string{
		"/parameters/fileSystemTypeVersion": "What AWS recommends for new file systems; left out, FSx makes an older one.",
		"/reclaimPolicy":                    "With the claim goes the file system, and what it costs. GitOps leaves the claim.",
		"/volumeBindingMode":                "At once: the subnet says the zone, and making a file system takes minutes.",
		"/mountOptions":                     lockWhy,
	}
	if fsx.S3ImportPath != "" {
		parameters["autoImportPolicy"] = "NEW_CHANGED"
		at["/parameters/s3ImportPath"] = "Its objects show as files, and are loaded when they are first read."
	}
	class := &storagev1.StorageClass{
		TypeMeta: typeMeta("storage.k8s.io/v1", "StorageClass"), ObjectMeta: metav1.ObjectMeta{Name: v.StorageClass, Labels: labels},
		Provisioner: fsxDriver, Parameters: parameters, MountOptions: []string{"flock"},
		ReclaimPolicy: ptr.To(corev1.PersistentVolumeReclaimDelete), AllowVolumeExpansion: ptr.To(true),
		VolumeBindingMode: ptr.To(storagev1.VolumeBindingImmediate),
	}
	return manifest.Object{File: "storageclass-" + v.StorageClass, Typed: class, Comments: manifest.Comments{
		Head: fmt.Sprintf("Makes an FSx for Lustre file system (%s) for each claim that names it.", fsx.DeploymentType), At: at,
	}}
}
