package spec

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// What makes nodes.
const (
	ProvisionerKarpenter = "karpenter"
	ProvisionerAuto      = "auto"
	ProvisionerManaged   = "managed"
)

// Capacity types, as Karpenter calls them.
const (
	CapacityOnDemand = "on-demand"
	CapacitySpot     = "spot"
	CapacityReserved = "reserved"
)

// EFAResource is what the device plugin of the Elastic Fabric Adapter counts.
const EFAResource = "vpc.amazonaws.com/efa"

// Never is a node that doesn't expire.
const Never = "Never"

const (
	// defaultAMI is the newest release of EKS' AMIs that was found; it has Kubernetes 1.31 to 1.36.
	// https://github.com/awslabs/amazon-eks-ami/releases/tag/v20260903
	defaultAMI = "al2023@v20260903"
	// autoLifetime is the longest that a node of EKS Auto Mode lives, 21 days.
	// https://docs.aws.amazon.com/eks/latest/userguide/automode.html
	autoLifetime = 504 * time.Hour
	// raidBottlerocket is the first whose instance-store disks Karpenter sets up.
	// https://karpenter.sh/docs/concepts/nodeclasses/#specinstancestorepolicy
	raidBottlerocket = "1.22.0"
	// leastRootGiB holds the system alone, where images and weights have the instance's own disks.
	leastRootGiB = 30
)

var (
	amiAlias       = regexp.MustCompile(`^(al2023@v\d{8}|bottlerocket@v\d+\.\d+\.\d+)$`)
	reservationID  = regexp.MustCompile(`^cr-[0-9a-z]+$`)
	iamRoleName    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	nodeExpiry     = regexp.MustCompile(`^([0-9]+(s|m|h))+$`)
	kubernetesSize = regexp.MustCompile(`^[1-9]\d*Gi$`)
)

// EKSNodes are the nodes that models on EKS run on. Documents whose pods may land on the same nodes say the same of them.
type EKSNodes struct {
	// Provisioner that makes the nodes: karpenter (NodePool and EC2NodeClass), auto (EKS Auto Mode: NodePool and
	// NodeClass), or managed (managed node groups with the Cluster Autoscaler). Default: karpenter.
	Provisioner string `json:"provisioner,omitempty" jsonschema:"enum=karpenter,enum=auto,enum=managed"`
	// InstanceTypes that a pod may have. Default: of the catalogue's types that hold a pod of the model and are offered in the
	// region the cheapest, and those with as many devices that cost at most twice as much, three in all.
	InstanceTypes []string `json:"instanceTypes,omitempty"`
	// Capacity types: on-demand, spot, reserved. Default: on-demand, or reserved where there is a reservation.
	Capacity []string `json:"capacity,omitempty" jsonschema:"enum=on-demand,enum=spot,enum=reserved"`
	// Reservation of capacity, for the capacity type reserved.
	Reservation *EKSReservation `json:"reservation,omitempty"`
	// AMI as an alias of Karpenter's with its release: al2023@v… or bottlerocket@v…. EKS Auto Mode chooses its own.
	// Default: al2023@v20260903.
	AMI string `json:"ami,omitempty"`
	// Role is the name of the nodes' IAM role. Default: KarpenterNodeRole-<cluster>, which Karpenter's guide makes, and for
	// EKS Auto Mode AmazonEKSAutoNodeRole, which that of EKS makes.
	Role string `json:"role,omitempty"`
	// Volume is the size of the root volume, for example 200Gi. Default: what the system, two versions of the image and
	// the weights that pods fetch take; 30Gi where the instances' own disks hold these.
	Volume string `json:"volume,omitempty"`
	// InstanceStore has images and weights on the instances' own disks, as one by RAID 0, and refuses types whose disks don't
	// hold them. Default: with Karpenter where those of every type do; in managed node groups false.
	InstanceStore bool `json:"instanceStore,omitempty"`
	// ExpireAfter is a node's longest life, for example 720h, or Never. Default: Never, and 504h with EKS Auto Mode, which
	// allows no more.
	ExpireAfter string `json:"expireAfter,omitempty"`
	// Devices that the nodes of a pool may have together, a number or auto: what every model on them needs with
	// replicas.max, and a replica of each that starts before another ends, in whole nodes. Default: auto.
	Devices Count `json:"devices,omitempty"`
}

// EKSReservation is an On-Demand Capacity Reservation or a Capacity Block for ML.
type EKSReservation struct {
	// ID of it, for example cr-0123456789abcdef0.
	ID string `json:"id"`
	// CapacityBlock says that it is a Capacity Block, which has an end. Default: false.
	CapacityBlock bool `json:"capacityBlock,omitempty"`
}

// EKSNodes are what the target asks for, nil where nodes are there.
func (t Target) EKSNodes() *EKSNodes {
	if t.Platform.EKS == nil {
		return nil
	}
	return t.Platform.EKS.Nodes
}

const eksNodesPath = "spec.platform.eks.nodes"

// checkEKSNodes fills in what the document leaves out and holds it against the revisions that run.
func (r *resolver) checkEKSNodes(t Target) {
	n := t.EKSNodes()
	if n == nil {
		return
	}
	eks := t.Platform.EKS
	if eks.Cluster == "" {
		r.failf("spec.platform.eks.cluster", "is missing; the nodes' subnets, security groups and role are found by its name")
	}
	r.enum(eksNodesPath+".provisioner", &n.Provisioner, ProvisionerKarpenter, ProvisionerKarpenter, ProvisionerAuto, ProvisionerManaged)
	r.capacity(n)
	r.image(n)
	r.lifetime(n)
	if n.Role == "" {
		n.Role = "KarpenterNodeRole-" + eks.Cluster
		if n.Provisioner == ProvisionerAuto {
			n.Role = "AmazonEKSAutoNodeRole"
		}
		if eks.Cluster != "" && !iamRoleName.MatchString(n.Role) {
			r.failf(eksNodesPath+".role", "is missing; %s is longer than the 64 letters that IAM takes", n.Role)
		}
	} else if !iamRoleName.MatchString(n.Role) {
		r.failf(eksNodesPath+".role", "want the name of an IAM role, got %q", n.Role)
	}
	if n.Volume != "" && !kubernetesSize.MatchString(n.Volume) {
		r.failf(eksNodesPath+".volume", "want whole GiB such as 200Gi, got %q", n.Volume)
	}
	list, err := catalog.EC2Instances()
	if err != nil {
		r.failf(eksNodesPath, "reading the catalogue: %v", err)
		return
	}
	found := len(r.problems)
	r.checkInstanceTypes(list, t)
	for _, revision := range t.Revisions {
		if revision.Devices > 0 && len(r.problems) == found {
			r.checkHost(list, t, revision)
		}
	}
	r.checkVolume(t)
	r.checkInstanceStore(t)
	r.checkOffers(t)
}

// capacity checks where the instances come from.
func (r *resolver) capacity(n *EKSNodes) {
	const path = eksNodesPath + ".capacity"
	known := []string{CapacityOnDemand, CapacitySpot, CapacityReserved}
	for i, capacity := range n.Capacity {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case !slices.Contains(known, capacity):
			r.failf(at, "%q is unknown%s", capacity, suggest.Word(capacity, known))
		case slices.Contains(n.Capacity[:i], capacity):
			r.failf(at, "%s is there twice", capacity)
		}
	}
	if len(n.Capacity) == 0 {
		n.Capacity = []string{CapacityOnDemand}
		if n.Reservation != nil {
			n.Capacity = []string{CapacityReserved}
		}
	}
	reserved := slices.Contains(n.Capacity, CapacityReserved)
	switch {
	case n.Reservation == nil && reserved:
		r.failf(eksNodesPath+".reservation", "is missing; capacity reserved is that of a reservation: set its id")
	case n.Reservation == nil:
	case !reservationID.MatchString(n.Reservation.ID):
		r.failf(eksNodesPath+".reservation.id", "want the id of a capacity reservation such as cr-0123456789abcdef0, got %q", n.Reservation.ID)
	case !reserved:
		r.failf(path, "leaves out reserved, so that the reservation would be paid for and not used; add it")
	case n.Reservation.CapacityBlock && slices.Contains(n.Capacity, CapacitySpot):
		r.failf(path, "spot instances are not of a Capacity Block, which is paid for in advance; take one of them out")
	case len(n.InstanceTypes) == 0:
		r.failf(eksNodesPath+".instanceTypes", "is missing; a reservation is of one instance type, which it doesn't tell: name that")
	}
	if slices.Contains(n.Capacity, CapacitySpot) {
		r.remarkf(path, "a spot instance goes two minutes after EC2 says so, and cuts the streams that take longer; for others to answer meanwhile, let replicas.min be 2 or more")
	}
	if slices.Contains(n.Capacity, CapacityReserved) && len(n.Capacity) > 1 && n.Provisioner == ProvisionerManaged {
		r.failf(path, "a managed node group of a reservation has no other capacity; take the others out, or use provisioner: %s", ProvisionerKarpenter)
	}
}

// image checks the system that the nodes run.
func (r *resolver) image(n *EKSNodes) {
	const path = eksNodesPath + ".ami"
	family, release, _ := strings.Cut(n.AMI, "@")
	if n.Provisioner == ProvisionerManaged && amiAlias.MatchString(n.AMI) {
		r.remarkf(path, "a managed node group is made with the newest release of %s, whatever the alias says, and keeps it until it is updated", family)
	}
	switch {
	case n.AMI == "" && n.Provisioner == ProvisionerAuto:
	case n.AMI == "":
		n.AMI = defaultAMI
	case n.Provisioner == ProvisionerAuto:
		r.failf(path, "EKS Auto Mode chooses its image itself; leave it out")
	case family == "al2":
		r.failf(path, "EKS makes no AMIs of Amazon Linux 2 any more; use %s", defaultAMI)
	case release == "latest":
		r.failf(path, "latest replaces every node, and the models on them, whenever AWS releases an image; pin a release such as %s", defaultAMI)
	case !amiAlias.MatchString(n.AMI):
		r.failf(path, "want al2023@v<date> or bottlerocket@v<version>, such as %s, got %q", defaultAMI, n.AMI)
	}
}

// lifetime checks how long a node may live.
func (r *resolver) lifetime(n *EKSNodes) {
	const path = eksNodesPath + ".expireAfter"
	auto := n.Provisioner == ProvisionerAuto
	life, err := time.ParseDuration(n.ExpireAfter)
	switch {
	case n.ExpireAfter == "" && auto:
		n.ExpireAfter = "504h"
	case n.ExpireAfter == "":
		n.ExpireAfter = Never
	case n.Provisioner == ProvisionerManaged:
		r.failf(path, "nodes of managed node groups don't expire; leave it out")
	case n.ExpireAfter == Never && auto, err == nil && auto && life > autoLifetime:
		r.failf(path, "EKS Auto Mode replaces nodes after 504h at the latest; write that, or less")
	case n.ExpireAfter == Never:
	case !nodeExpiry.MatchString(n.ExpireAfter) || err != nil:
		r.failf(path, "want a duration such as 720h, or Never, got %q", n.ExpireAfter)
	case life < 24*time.Hour:
		r.failf(path, "%s takes a node, and the model on it, away more often than once a day; want 24h or more", n.ExpireAfter)
	}
}

// checkInstanceTypes wants of each type that it is known and that some revision runs on it.
func (r *resolver) checkInstanceTypes(list catalog.Instances, t Target) {
	n := t.EKSNodes()
	for i, name := range n.InstanceTypes {
		at := fmt.Sprintf("%s.instanceTypes[%d]", eksNodesPath, i)
		known := slices.IndexFunc(list.Types, func(i catalog.Instance) bool { return i.Name == name })
		switch {
		case known < 0:
			r.failf(at, "the catalogue has no instance type %q%s", name, suggest.Word(name, typeNames(list.Types)))
			continue
		case slices.Contains(n.InstanceTypes[:i], name):
			r.failf(at, "%s is there twice", name)
			continue
		}
		instance := list.Types[known]
		var why []string
		fits := false
		for _, revision := range t.Revisions {
			lacks := instance.Lacks(revision.need())
			fits = fits || lacks == ""
			if lacks != "" && revision.Devices > 0 {
				why = append(why, fmt.Sprintf("%s for revision %s", lacks, revision.Name))
			}
		}
		switch {
		case !fits && len(why) > 0:
			r.failf(at, "%s holds no pod of the model: %s; %s", name, strings.Join(why, "; "), others(list, t))
		case r.notOffered(list, t, instance):
			r.failf(at, "%s is not on offer on demand in %s (AWS' prices of %s); use capacity: [reserved] with a reservation, or %s", name, list.Prices.Region, list.Prices.Day, others(list, t))
		}
	}
}

// notOffered says that the list of prices, which is of one region, lacks the type. Of other regions, and of zones, no source says
// what is on offer.
func (r *resolver) notOffered(list catalog.Instances, t Target, i catalog.Instance) bool {
	return t.Platform.EKS.Region == list.Prices.Region && i.USDPerHour == 0 && slices.Contains(t.EKSNodes().Capacity, CapacityOnDemand)
}

// others says which types would do.
func others(list catalog.Instances, t Target) string {
	for _, revision := range t.Revisions {
		if names := typeNames(list.Holding(revision.need())); revision.Devices > 0 && len(names) > 0 {
			return "use " + strings.Join(names, ", ")
		}
	}
	return "no type of the catalogue does"
}

// checkHost wants an instance type for a revision.
func (r *resolver) checkHost(list catalog.Instances, t Target, revision RevisionTarget) {
	if revision.Accelerator.Vendor == "amd" {
		r.failf("spec.accelerator.type", "EC2 has no %s; leave platform.eks.nodes out", revision.Accelerator.Product)
		return
	}
	if network := revision.Network; network != nil && network.Resource != EFAResource {
		r.failf("spec.accelerator.network.resource", "EC2 has %s between its nodes, not %s", EFAResource, network.Resource)
		return
	}
	if revision.Nodes > 1 && t.EKSNodes().Provisioner == ProvisionerManaged && len(t.Platform.EKS.Zones) == 0 {
		r.failf("spec.platform.eks.zones", "is missing; the pods of revision %s over %d nodes run in one zone, and the Cluster Autoscaler cannot choose one within a group: name a zone for each group", revision.Name, revision.Nodes)
		return
	}
	if revision.Accelerator.Vendor == "aws" && strings.HasPrefix(t.EKSNodes().AMI, "bottlerocket@") {
		r.failf(eksNodesPath+".ami", "on Bottlerocket a container that isn't root reaches a Neuron device only with settings of the image that kservegen doesn't write; use %s", defaultAMI)
	}
	if types := typesOf(list, t.Platform.EKS, revision); len(types) > 0 {
		// Types that the document names were checked one by one.
		if len(t.EKSNodes().InstanceTypes) == 0 && r.notOffered(list, t, types[0]) {
			r.failf(eksNodesPath+".capacity", "%s, which revision %s would run on, is not on offer on demand in %s (AWS' prices of %s); use capacity: [reserved] with a reservation, or another region", types[0].Name, revision.Name, list.Prices.Region, list.Prices.Day)
		}
		return
	}
	need := revision.need()
	wants := fmt.Sprintf("a pod of revision %s wants %d × %s, %d mCPU, %d MiB", revision.Name, need.Devices, revision.Accelerator.Product, need.MilliCPU, need.MiB)
	if need.EFA > 0 {
		wants += fmt.Sprintf(" and %d × %s", need.EFA, EFAResource)
	}
	var have []string
	for _, i := range list.Types {
		if i.Accelerator == need.Accelerator {
			have = append(have, fmt.Sprintf("%s: %s", i.Name, cmp.Or(i.Lacks(need), "it is not in the list")))
		}
	}
	path := "spec.resources"
	switch {
	case len(t.EKSNodes().InstanceTypes) > 0:
		path = eksNodesPath + ".instanceTypes"
	case need.EFA > 0:
		path = "spec.accelerator.network.perNode"
	}
	r.failf(path, "%s, which no instance type holds (%s); ask for less, or name another", wants, strings.Join(have, "; "))
}

// checkVolume wants room for what is computed in a size that the document gives.
func (r *resolver) checkVolume(t Target) {
	n := t.EKSNodes()
	if n.Volume == "" || !kubernetesSize.MatchString(n.Volume) || len(r.problems) > 0 {
		return
	}
	for _, pool := range NodePools([]Target{t}) {
		if needs := pool.RootGiB(); pool.volumeGiB() < needs {
			r.failf(eksNodesPath+".volume", "%s is less than the %dGi that the system, images and weights of %s take; leave it out, or raise it", n.Volume, needs, pool.Name)
		}
	}
}

// hostReserve is what a pod's node must have beside the pod's own requests: for Istio's sidecar (100m, 128Mi), and for what EKS
// and its add-ons run on every node. The catalogue's shares of a host leave as much.
const (
	reserveMilliCPU = 600
	reserveMiB      = 1152
)

// need is what a pod of the revision asks of its node.
func (r RevisionTarget) need() catalog.Need {
	n := catalog.Need{
		Accelerator: r.Accelerator.Name, Devices: r.DevicesPerNode(),
		MilliCPU: milli(r.Resources.CPU) + reserveMilliCPU, MiB: mebi(r.Resources.Memory) + reserveMiB,
	}
	if r.Network != nil {
		n.EFA = r.Network.PerNode
	}
	return n
}

// mostDefaultTypes are enough to choose from where one type is sold out, and few enough to know the price.
const mostDefaultTypes = 3

// typesOf are the instance types that a revision may have, the cheapest first.
func typesOf(list catalog.Instances, eks *EKS, r RevisionTarget) []catalog.Instance {
	holding := list.Holding(r.need())
	if named := eks.Nodes.InstanceTypes; len(named) > 0 {
		return slices.DeleteFunc(holding, func(i catalog.Instance) bool { return !slices.Contains(named, i.Name) })
	}
	holding = offeredIn(eks.Region, holding)
	if len(holding) == 0 {
		return nil
	}
	first := holding[0]
	like := slices.DeleteFunc(holding, func(i catalog.Instance) bool {
		return i.Count != first.Count || i.Pods(r.need()) != first.Pods(r.need()) || i.USDPerHour > 2*first.USDPerHour ||
			(i.USDPerHour == 0) != (first.USDPerHour == 0)
	})
	return like[:min(len(like), mostDefaultTypes)]
}

func typeNames(types []catalog.Instance) []string {
	names := make([]string, 0, len(types))
	for _, i := range types {
		names = append(names, i.Name)
	}
	return names
}

func gib(bytes float64) int64 { return int64(math.Ceil(bytes / (1 << 30))) }
