package spec

import (
	"regexp"

	"k8s.io/apimachinery/pkg/api/resource"
)

// EBS is Amazon EBS volumes that are made of a snapshot with the weights, by the CSI driver ebs.csi.aws.com: one for each pod,
// which goes with the pod. The source pvc://<name>/<folder> says what the VolumeSnapshot is called, and the folder in it.
type EBS struct {
	// SnapshotID of a snapshot in the region of the nodes, for example snap-0123456789abcdef0.
	SnapshotID string `json:"snapshotId"`
	// FSType is the file system that the snapshot has. Default: ext4, which the driver makes unless it is told otherwise.
	FSType string `json:"fsType,omitempty" jsonschema:"enum=ext4,enum=xfs"`
	// Throughput of a volume in MiB/s, 125 to 2000, as far as the instance has it. Default: 500.
	Throughput int `json:"throughput,omitempty" jsonschema:"minimum=0"`
	// IOPS of a volume, 3000 to 80000, at least 4 for each MiB/s. Default: 3000, or what the throughput takes.
	IOPS int `json:"iops,omitempty" jsonschema:"minimum=0"`
	// InitializationRate in MiB/s, 100 to 300, at which a new volume gets the snapshot's blocks from S3; it is paid for by the
	// GiB, for every volume. Default: 300, and none with fastSnapshotRestore.
	InitializationRate int `json:"initializationRate,omitempty" jsonschema:"minimum=0"`
	// FastSnapshotRestore says that the snapshot has it enabled in the zones of the nodes: volumes are as fast as they will
	// be from the start, and it is paid for by the hour. Default: false.
	FastSnapshotRestore bool `json:"fastSnapshotRestore,omitempty"`
	// KMSKeyID is the ARN of the key that encrypts the volumes. Default: the account's key for EBS, or the snapshot's own.
	KMSKeyID string `json:"kmsKeyId,omitempty"`
}

// DefaultEBSClass is the StorageClass of volumes of snapshots where the document names none.
const DefaultEBSClass = "ebs-weights"

const (
	defaultEBSThroughput = 500
	defaultEBSRate       = 300
)

// What a gp3 volume may have, and at which rates EBS initialises one.
// https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
// https://docs.aws.amazon.com/ebs/latest/userguide/initalize-volume.html
var (
	ebsThroughput = [2]int{125, 2000}
	ebsIOPS       = [2]int{3000, 80000}
	ebsRate       = [2]int{100, 300}
)

const (
	// iopsPerThroughput is how many IOPS a gp3 volume must have for each MiB/s.
	iopsPerThroughput = 4
	// iopsPerGiB is how many it may have for each GiB, beyond those that every volume has. The driver lowers them in silence, and EC2
	// refuses the throughput then (capIOPS in aws-ebs-csi-driver: pkg/cloud/cloud.go).
	iopsPerGiB = 500
)

var snapshotID = regexp.MustCompile(`^snap-[0-9a-f]{8,17}$`)

// Restored reports that each pod has the weights on a volume of its own, made of a snapshot.
func (m Model) Restored() bool { return m.Volume != nil && m.Volume.EBS != nil && m.Source != "" }

// class is what a StorageClass has of it.
func (e *EBS) class() EBS {
	if e == nil {
		return EBS{}
	}
	class := *e
	class.SnapshotID = ""
	return class
}

// checkEBS fills in the defaults of volumes of a snapshot, and checks them.
func (r *resolver) checkEBS(v *Volume, size resource.Quantity) {
	const path = "spec.model.volume.ebs."
	ebs := v.EBS
	if v.FSx != nil || v.EFS != nil {
		r.failf("spec.model.volume.ebs", "is a volume of each pod, and fsx and efs are file systems that pods share; keep one")
	}
	if !snapshotID.MatchString(ebs.SnapshotID) {
		r.failf(path+"snapshotId", "want a snapshot such as snap-0123456789abcdef0, got %q", ebs.SnapshotID)
	}
	if v.AccessMode != "ReadWriteOnce" {
		r.failf("spec.model.volume.accessMode", "each pod has a volume of its own, which is ReadWriteOnce; leave it out")
	}
	if v.StorageClass == "" {
		v.StorageClass = DefaultEBSClass
	}
	r.enum(path+"fsType", &ebs.FSType, "ext4", "ext4", "xfs")
	r.checkEBSSpeed(ebs)
	if most := max(ebsIOPS[0], iopsPerGiB*int(gib(float64(size.Value())))); size.Sign() > 0 && ebs.IOPS > most && ebs.IOPS <= ebsIOPS[1] {
		r.failf(path+"iops", "a volume of %s takes %d at most, 500 for each GiB, got %d; lower it, or the throughput, or raise spec.model.volume.size", v.Size, most, ebs.IOPS)
	}
	// The driver passes it on as it is, and EC2 takes the whole ARN alone (aws-ebs-csi-driver: docs/parameters.md).
	if ebs.KMSKeyID != "" && !kmsKey.MatchString(ebs.KMSKeyID) {
		r.failf(path+"kmsKeyId", "want the ARN of a key, got %q", ebs.KMSKeyID)
	}
	eks := r.spec.Platform.EKS
	if eks != nil {
		r.checkRegionOf(path+"kmsKeyId", ebs.KMSKeyID, eks.Region)
	}
	if eks != nil && eks.Nodes != nil && eks.Nodes.Provisioner == ProvisionerAuto {
		r.failf("spec.model.volume.ebs", "is for the driver ebs.csi.aws.com, and EKS Auto Mode has one of its own (ebs.csi.eks.amazonaws.com); use provisioner: %s", ProvisionerKarpenter)
	}
}

func (r *resolver) checkEBSSpeed(ebs *EBS) {
	const path = "spec.model.volume.ebs."
	if ebs.FastSnapshotRestore && ebs.InitializationRate != 0 {
		r.failf(path+"initializationRate", "EBS would use it instead of fast snapshot restore; leave one of them out")
	}
	if ebs.Throughput == 0 {
		ebs.Throughput = defaultEBSThroughput
	}
	if ebs.IOPS == 0 {
		ebs.IOPS = max(ebsIOPS[0], iopsPerThroughput*ebs.Throughput)
	}
	if ebs.InitializationRate == 0 && !ebs.FastSnapshotRestore {
		ebs.InitializationRate = defaultEBSRate
	}
	between := func(field string, value int, limits [2]int) {
		if value < limits[0] || value > limits[1] {
			r.failf(path+field, "a volume of type gp3 has %d to %d, got %d", limits[0], limits[1], value)
		}
	}
	between("throughput", ebs.Throughput, ebsThroughput)
	between("iops", ebs.IOPS, ebsIOPS)
	if !ebs.FastSnapshotRestore {
		between("initializationRate", ebs.InitializationRate, ebsRate)
	}
	if ebs.IOPS < iopsPerThroughput*ebs.Throughput && ebs.Throughput <= ebsThroughput[1] {
		r.failf(path+"iops", "%d MiB/s take at least %d IOPS, got %d", ebs.Throughput, iopsPerThroughput*ebs.Throughput, ebs.IOPS)
	}
}

// checkRestored wants pods that can have a volume each.
func (r *resolver) checkRestored(nodes int) {
	const path = "spec.model.volume.ebs"
	m := r.spec.Model
	if !m.Restored() {
		return
	}
	if r.serving() != ServingInferenceService || r.spec.Expose != nil && r.spec.Expose.API == APIKServe {
		r.failf(path, "is for InferenceServices whose routes are ours (spec.serving, spec.expose.api): an LLMInferenceService wants a URI, and KServe tells its canaries apart by their storageUri")
	}
	if nodes > 1 {
		r.failf(path, "a replica is on %d nodes, and each would restore all weights to read its part; use fsx", nodes)
	}
}
