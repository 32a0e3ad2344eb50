package spec

import (
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// FSx is an Amazon FSx for Lustre file system, mounted by the CSI driver fsx.csi.aws.com. With fileSystemId it exists; with
// subnetId the driver makes it for the claim, by a StorageClass that `render --shared` writes.
type FSx struct {
	// FileSystemID of a file system that exists, for example fs-0123456789abcdef0.
	FileSystemID string `json:"fileSystemId,omitempty"`
	// DNSName of it. Default: <fileSystemId>.fsx.<region>.amazonaws.com, with platform.eks.region.
	DNSName string `json:"dnsName,omitempty"`
	// MountName of it, as `aws fsx describe-file-systems` shows it.
	MountName string `json:"mountName,omitempty"`
	// Zone that the file system is in; it is in one. Pods that mount it run there. Default: not said, and pods in other zones
	// mount it too, more slowly and for the price of traffic between zones.
	Zone string `json:"zone,omitempty"`
	// SubnetID that a new file system is made in; with it the zone is chosen.
	SubnetID string `json:"subnetId,omitempty"`
	// SecurityGroupIDs of a new file system; they let the nodes in on ports 988 and 1018 to 1023.
	SecurityGroupIDs []string `json:"securityGroupIds,omitempty"`
	// DeploymentType of a new file system. SCRATCH_2 keeps no copy of the data. Default: PERSISTENT_2, and SCRATCH_2 with
	// s3ImportPath.
	DeploymentType string `json:"deploymentType,omitempty" jsonschema:"enum=SCRATCH_2,enum=PERSISTENT_1,enum=PERSISTENT_2"`
	// PerUnitStorageThroughput of a persistent one, in MB/s per TiB: 125, 250, 500 or 1000 for PERSISTENT_2, 50, 100 or 200
	// for PERSISTENT_1. Default: the least.
	PerUnitStorageThroughput int `json:"perUnitStorageThroughput,omitempty" jsonschema:"minimum=0"`
	// S3ImportPath is the bucket and prefix whose objects a new file system shows as files, and loads as they are read. Not
	// for PERSISTENT_2, which takes a data repository association instead.
	S3ImportPath string `json:"s3ImportPath,omitempty"`
	// KMSKeyID that encrypts a new persistent file system. Default: the account's key for FSx.
	KMSKeyID string `json:"kmsKeyId,omitempty"`
}

// EFS is an Amazon EFS file system, mounted by the CSI driver efs.csi.aws.com, in transit by TLS. It is in every zone that
// has a mount target.
type EFS struct {
	// FileSystemID, for example fs-0123456789abcdef0.
	FileSystemID string `json:"fileSystemId"`
	// AccessPointID to mount it by, which says the folder and the user, for example fsap-0123456789abcdef0. Default: the
	// root of the file system.
	AccessPointID string `json:"accessPointId,omitempty"`
}

// Deployment types of FSx for Lustre.
const (
	Scratch2    = "SCRATCH_2"
	Persistent1 = "PERSISTENT_1"
	Persistent2 = "PERSISTENT_2"
)

// DefaultFSxClass is the StorageClass of new file systems where the document names none.
const DefaultFSxClass = "fsx-lustre"

var (
	fileSystemID  = regexp.MustCompile(`^fs-[0-9a-f]{8,40}$`)
	accessPointID = regexp.MustCompile(`^fsap-[0-9a-f]{8,40}$`)
	subnetID      = regexp.MustCompile(`^subnet-[0-9a-f]{8,17}$`)
	securityGroup = regexp.MustCompile(`^sg-[0-9a-f]{8,17}$`)
	mountName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,8}$`)
	dnsHost       = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	s3URI         = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.'()/-]*)?$`)
)

// throughputs are what a deployment type may have per unit, the least first.
// https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystemLustreConfiguration.html
func throughputs(deploymentType string) []int {
	switch deploymentType {
	case Persistent1:
		return []int{50, 100, 200}
	case Persistent2:
		return []int{125, 250, 500, 1000}
	}
	return nil
}

// Static reports that the file system exists, so that the tree has its PersistentVolume.
func (v Volume) Static() bool { return v.FSx != nil && v.FSx.FileSystemID != "" || v.EFS != nil }

// Creates reports that the CSI driver makes a file system for the claim, by a StorageClass of the shared tree.
func (v Volume) Creates() bool { return v.FSx != nil && v.FSx.FileSystemID == "" }

// checkFileSystem checks what the volume is, and fills in what follows.
func (r *resolver) checkFileSystem(v *Volume, size resource.Quantity) {
	const path = "spec.model.volume"
	if v.FSx != nil && v.EFS != nil {
		r.failf(path+".efs", "fsx and efs are two file systems; keep one")
		return
	}
	if v.Static() && v.StorageClass != "" {
		r.failf(path+".storageClass", "the file system exists, and its PersistentVolume is bound by name; leave the class out")
	}
	// volumeCaps in aws-fsx-csi-driver, pkg/driver/controller.go, and volumeCapAccessModes in aws-efs-csi-driver,
	// pkg/driver/node.go: one node that writes, or several.
	if (v.FSx != nil || v.EFS != nil) && v.AccessMode == "ReadOnlyMany" {
		r.failf(path+".accessMode", "the CSI drivers of FSx and EFS know ReadWriteMany and ReadWriteOnce; pods mount the weights read-only all the same")
	}
	switch {
	case v.EBS != nil:
		r.checkEBS(v, size)
	case v.EFS != nil:
		r.checkEFS(v.EFS)
	case v.FSx != nil:
		r.checkFSx(v, size)
	}
}

func (r *resolver) checkEFS(efs *EFS) {
	const path = "spec.model.volume.efs."
	if !fileSystemID.MatchString(efs.FileSystemID) {
		r.failf(path+"fileSystemId", "want a file system such as fs-0123456789abcdef0, got %q", efs.FileSystemID)
	}
	if efs.AccessPointID != "" && !accessPointID.MatchString(efs.AccessPointID) {
		r.failf(path+"accessPointId", "want an access point such as fsap-0123456789abcdef0, got %q", efs.AccessPointID)
	}
}

func (r *resolver) checkFSx(v *Volume, size resource.Quantity) {
	const path = "spec.model.volume.fsx"
	fsx := v.FSx
	r.checkFSxZone(fsx.Zone)
	switch {
	case fsx.FileSystemID != "" && fsx.SubnetID != "":
		r.failf(path+".subnetId", "is for a new file system, and fileSystemId names one that exists; keep one")
	case fsx.FileSystemID != "":
		r.checkExistingFSx(fsx)
	case fsx.SubnetID != "":
		if v.StorageClass == "" {
			v.StorageClass = DefaultFSxClass
		}
		r.checkNewFSx(fsx)
		r.checkFSxSize(size)
	default:
		r.failf(path, "want fileSystemId of a file system that exists, or subnetId for a new one")
	}
}

// checkFSxZone wants the pods where the file system is.
func (r *resolver) checkFSxZone(zone string) {
	const path = "spec.model.volume.fsx.zone"
	if zone == "" {
		return
	}
	if !zoneName.MatchString(zone) {
		r.failf(path, "%q is not a zone such as us-east-1a", zone)
		return
	}
	eks := r.spec.Platform.EKS
	if eks == nil {
		return
	}
	if eks.Region != "" && !strings.HasPrefix(zone, eks.Region) {
		r.failf(path, "%s is not in region %s", zone, eks.Region)
	}
	if len(eks.Zones) > 0 && !slices.Contains(eks.Zones, zone) {
		r.failf(path, "the file system is in %s, and the nodes are in %s (spec.platform.eks.zones): its pods would find no node", zone, strings.Join(eks.Zones, ", "))
	}
}

func (r *resolver) checkExistingFSx(fsx *FSx) {
	const path = "spec.model.volume.fsx."
	if !fileSystemID.MatchString(fsx.FileSystemID) {
		r.failf(path+"fileSystemId", "want a file system such as fs-0123456789abcdef0, got %q", fsx.FileSystemID)
	}
	for field, set := range map[string]bool{
		"securityGroupIds": len(fsx.SecurityGroupIDs) > 0, "deploymentType": fsx.DeploymentType != "", "kmsKeyId": fsx.KMSKeyID != "",
		"perUnitStorageThroughput": fsx.PerUnitStorageThroughput != 0, "s3ImportPath": fsx.S3ImportPath != "",
	} {
		if set {
			r.failf(path+field, "is for a new file system (subnetId); %s has its own", fsx.FileSystemID)
		}
	}
	if fsx.DNSName == "" {
		if eks := r.spec.Platform.EKS; eks != nil && eks.Region != "" {
			fsx.DNSName = fmt.Sprintf("%s.fsx.%s.%s", fsx.FileSystemID, eks.Region, Partition(eks.Region).Domain)
		} else {
			r.failf(path+"dnsName", "is missing; aws fsx describe-file-systems shows it (DNSName), or set spec.platform.eks.region")
		}
	} else if !dnsHost.MatchString(fsx.DNSName) {
		r.failf(path+"dnsName", "%q is not a host's name", fsx.DNSName)
	}
	if fsx.MountName == "" {
		r.failf(path+"mountName", "is missing; aws fsx describe-file-systems shows it (LustreConfiguration.MountName)")
	} else if !mountName.MatchString(fsx.MountName) {
		r.failf(path+"mountName", "want up to 8 letters, digits, - and _, got %q", fsx.MountName)
	}
}

func (r *resolver) checkNewFSx(fsx *FSx) {
	const path = "spec.model.volume.fsx."
	for field, set := range map[string]bool{"dnsName": fsx.DNSName != "", "mountName": fsx.MountName != ""} {
		if set {
			r.failf(path+field, "is that of a file system that exists (fileSystemId); the driver finds those of a new one")
		}
	}
	if !subnetID.MatchString(fsx.SubnetID) {
		r.failf(path+"subnetId", "want a subnet such as subnet-0123456789abcdef0, got %q", fsx.SubnetID)
	}
	// CreateVolume in aws-fsx-csi-driver, pkg/driver/controller.go, sends an empty group's id where there is none.
	if len(fsx.SecurityGroupIDs) == 0 {
		r.failf(path+"securityGroupIds", "is missing; name a group that lets the nodes in on ports 988 and 1018 to 1023")
	}
	for i, group := range fsx.SecurityGroupIDs {
		if !securityGroup.MatchString(group) {
			r.failf(fmt.Sprintf(path+"securityGroupIds[%d]", i), "want a security group such as sg-0123456789abcdef0, got %q", group)
		}
	}
	def := Persistent2
	if fsx.S3ImportPath != "" {
		def = Scratch2
	}
	r.enum(path+"deploymentType", &fsx.DeploymentType, def, Scratch2, Persistent1, Persistent2)
	r.checkFSxType(fsx)
}

// checkFSxType checks what goes with a deployment type.
func (r *resolver) checkFSxType(fsx *FSx) {
	const path = "spec.model.volume.fsx."
	known := throughputs(fsx.DeploymentType)
	switch {
	case len(known) == 0 && fsx.PerUnitStorageThroughput != 0:
		r.failf(path+"perUnitStorageThroughput", "%s has 200 MB/s per TiB, which cannot be set; leave it out", fsx.DeploymentType)
	case len(known) > 0 && fsx.PerUnitStorageThroughput == 0:
		fsx.PerUnitStorageThroughput = known[0]
	case len(known) > 0 && !slices.Contains(known, fsx.PerUnitStorageThroughput):
		r.failf(path+"perUnitStorageThroughput", "%s has one of %s, got %d", fsx.DeploymentType, strings.Trim(fmt.Sprint(known), "[]"), fsx.PerUnitStorageThroughput)
	}
	if fsx.KMSKeyID != "" && fsx.DeploymentType == Scratch2 {
		r.failf(path+"kmsKeyId", "SCRATCH_2 is encrypted by a key of FSx's own; use a persistent file system")
	}
	switch {
	case fsx.S3ImportPath == "":
	case !s3URI.MatchString(fsx.S3ImportPath):
		r.failf(path+"s3ImportPath", "want s3://<bucket>/<prefix>, got %q", fsx.S3ImportPath)
	case fsx.DeploymentType == Persistent2:
		r.failf(path+"s3ImportPath", "PERSISTENT_2 takes a data repository association instead (aws fsx create-data-repository-association), and so an existing file system; or use SCRATCH_2 or PERSISTENT_1")
	}
}

// checkFSxSize: 1200 GiB, 2400 GiB, and from there in steps of 2400. The driver rounds up without a word
// (RoundUpVolumeSize in aws-fsx-csi-driver, pkg/util/util.go), and the account pays for it.
// https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystem.html#FSx-CreateFileSystem-request-StorageCapacity
func (r *resolver) checkFSxSize(size resource.Quantity) {
	const gib, least, step = 1 << 30, 1200, 2400
	if size.Sign() <= 0 || size.Value() == least*gib || size.Value()%(step*gib) == 0 {
		return
	}
	next := (size.Value() + step*gib - 1) / (step * gib) * step
	if size.Value() < least*gib {
		next = least
	}
	r.failf("spec.model.volume.size", "FSx for Lustre has 1200Gi, 2400Gi and multiples of 2400Gi; use %dGi", next)
}

// Folder is the path below the root of the claim of a pvc:// source, without slashes at its ends.
func (m Model) Folder() string {
	_, folder, _ := strings.Cut(strings.TrimPrefix(m.Source, "pvc://"), "/")
	return strings.Trim(path.Clean("/"+folder), "/")
}

// Claim is the PersistentVolumeClaim of a pvc:// source, empty for another.
func (m Model) Claim() string {
	if !strings.HasPrefix(m.Source, "pvc://") {
		return ""
	}
	return m.claim()
}

// readsRegion reports that something besides roleArn and cluster takes the region.
func (r *resolver) readsRegion() bool {
	m := r.spec.Model
	return m.Volume != nil && m.Volume.FSx != nil || m.Download != nil || m.Streamed || r.spec.Platform.EKS.Identity != nil
}

// heldVolume is a volume that a document makes in an environment.
type heldVolume struct {
	m           *Deployment
	environment string
	volume      *Volume
	claim       string
}

func volumesOf(deployments []*Deployment) []heldVolume {
	var list []heldVolume
	for m, target := range targetsOf(deployments) {
		for _, revision := range target.Revisions {
			if v := revision.Model.Volume; v != nil && revision.Model.Source != "" {
				list = append(list, heldVolume{m, target.Environment, v, m.Namespace + "/" + revision.Model.Claim()})
			}
		}
	}
	return list
}

// checkFileSystems: a StorageClass that two documents make has one set of parameters, and a file system one
// PersistentVolume: of two with one handle the kubelet mounts one (kubernetes#132921).
func checkFileSystems(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	classes, systems := map[string]heldVolume{}, map[string]heldVolume{}
	for _, held := range volumesOf(deployments) {
		switch v := held.volume; {
		case v.Creates() || v.EBS != nil:
			path := "spec.model.volume.fsx"
			if v.EBS != nil {
				path = "spec.model.volume.ebs"
			}
			if first := keep(classes, held.environment+" "+v.StorageClass, held); !sameClass(first.volume, v) {
				problems = append(problems, held.m.problemOf(path,
					"%s: StorageClass %s is another one for model %s (%s); name another class (spec.model.volume.storageClass), or ask for the same",
					path, v.StorageClass, first.m.Name, first.m.where()))
			}
		case v.Static():
			if first := keep(systems, held.environment+" "+v.handle(), held); first.claim != held.claim {
				problems = append(problems, held.m.problemOf("spec.model.volume",
					"spec.model.volume: %s is claim %s of model %s (%s) already, and two volumes of one file system do not mount on one node; let both models use one claim, in one namespace",
					v.handle(), first.claim, first.m.Name, first.m.where()))
			}
		}
	}
	return slices.Compact(problems)
}

// sameClass reports that two volumes ask for one form of their StorageClass.
func sameClass(a, b *Volume) bool {
	return reflect.DeepEqual(a.FSx, b.FSx) && a.EBS.class() == b.EBS.class()
}

// keep returns the first value of a key.
func keep[T any](values map[string]T, key string, value T) T {
	if first, ok := values[key]; ok {
		return first
	}
	values[key] = value
	return value
}

// handle is what the CSI driver knows a file system that exists by.
func (v Volume) handle() string {
	switch {
	case v.EFS == nil:
		return v.FSx.FileSystemID
	case v.EFS.AccessPointID == "":
		return v.EFS.FileSystemID
	}
	return v.EFS.FileSystemID + "::" + v.EFS.AccessPointID
}
