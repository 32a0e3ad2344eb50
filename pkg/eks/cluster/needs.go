package cluster

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/kservegen/kservegen/pkg/eks"
	"github.com/kservegen/kservegen/pkg/spec"
)

// needs is a cluster with what follows from its models.
type needs struct {
	spec.Cluster
	// groups are the managed node groups of the models.
	groups []eks.NodeGroup
	// file systems that pods mount; newFSx says that the driver makes one.
	fsx, newFSx, efs, ebs bool
	// snapshots says that volumes are made of snapshots.
	snapshots bool
	// efa says that the nodes of a replica talk by the Elastic Fabric Adapter, balanced that a load balancer stands before a
	// gateway, ownGroups that pods have security groups of their own, podIdentity that pods get roles by Pod Identity.
	efa, balanced, ownGroups, podIdentity bool
}

func needsOf(c spec.Cluster) needs {
	n := needs{Cluster: c, groups: groupsOf(c)}
	volume := func(like func(*spec.Volume) bool) bool {
		return c.AnyRevision(func(r spec.RevisionTarget) bool { return r.Model.Volume != nil && like(r.Model.Volume) })
	}
	n.fsx = volume(func(v *spec.Volume) bool { return v.FSx != nil })
	n.newFSx = volume(func(v *spec.Volume) bool { return v.Creates() })
	n.efs = volume(func(v *spec.Volume) bool { return v.EFS != nil })
	n.ebs = volume(func(v *spec.Volume) bool { return v.FSx == nil && v.EFS == nil })
	n.snapshots = volume(func(v *spec.Volume) bool { return v.EBS != nil })
	n.efa = c.AnyRevision(func(r spec.RevisionTarget) bool { return r.Network != nil && r.Network.Resource == spec.EFAResource })
	n.balanced = c.Any(func(t spec.Target) bool { return t.LoadBalancer() != nil })
	n.ownGroups = c.Any(func(t spec.Target) bool { return len(t.PodSecurityGroups()) > 0 })
	n.podIdentity = c.Any(func(t spec.Target) bool {
		return t.Platform.EKS.Identity != nil && t.Platform.EKS.Identity.Type == spec.PodIdentity
	})
	return n
}

// groupsOf are those of all environments. Where several ask for one, it is as large as the largest of them.
func groupsOf(c spec.Cluster) []eks.NodeGroup {
	byName := map[string]eks.NodeGroup{}
	for _, targets := range c.Environments {
		for _, g := range eks.NodeGroups(targets) {
			if other, ok := byName[g.Name]; !ok || other.MaxSize < g.MaxSize {
				byName[g.Name] = g
			}
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b eks.NodeGroup) int { return cmp.Compare(a.Name, b.Name) })
}

func (n needs) auto() bool      { return n.Provisioner == spec.ProvisionerAuto }
func (n needs) karpenter() bool { return n.Provisioner == spec.ProvisionerKarpenter }
func (n needs) managed() bool   { return n.Provisioner == spec.ProvisionerManaged }

// addOn is one of EKS' own.
type addOn struct {
	name string
	// configuration in the add-on's own schema, as JSON; empty for none.
	configuration string
	// permissions says that it calls AWS, by the policy that EKS recommends.
	permissions bool
	// early says that nodes need it before they are ready.
	early bool
}

// cniConfiguration is that of the VPC CNI (amazon-vpc-cni-k8s: the add-on's schema).
type cniConfiguration struct {
	// EnableNetworkPolicy has it hold to NetworkPolicies, which it doesn't by default.
	EnableNetworkPolicy string            `json:"enableNetworkPolicy"`
	Env                 map[string]string `json:"env,omitempty"`
}

// addOns are those that the models need. EKS Auto Mode has the networking, the Pod Identity agent and EBS built in.
// https://docs.aws.amazon.com/eks/latest/userguide/automode.html
func (n needs) addOns() []addOn {
	var list []addOn
	if !n.auto() {
		list = []addOn{
			{name: "vpc-cni", configuration: n.cni(), permissions: true, early: true},
			{name: "kube-proxy", early: true},
			{name: "coredns"},
			{name: "eks-pod-identity-agent", early: true},
		}
		if n.ebs {
			list = append(list, addOn{name: "aws-ebs-csi-driver", permissions: true})
		}
	}
	list = append(list, addOn{name: "metrics-server"})
	if n.snapshots {
		// With the CRDs of VolumeSnapshots. https://docs.aws.amazon.com/eks/latest/userguide/csi-snapshot-controller.html
		list = append(list, addOn{name: "snapshot-controller"})
	}
	if n.fsx {
		list = append(list, addOn{name: "aws-fsx-csi-driver", permissions: n.newFSx})
	}
	if n.efs {
		list = append(list, addOn{name: "aws-efs-csi-driver", permissions: true})
	}
	return list
}

func (n needs) cni() string {
	c := cniConfiguration{EnableNetworkPolicy: "true"}
	if n.ownGroups {
		c.Env = map[string]string{"ENABLE_POD_ENI": "true", "POD_SECURITY_GROUP_ENFORCING_MODE": "standard"}
	}
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings
	}
	return string(data)
}

// role is that of a controller outside of EKS' add-ons, by Pod Identity.
type role struct {
	// account is the ServiceAccount in kube-system, which is also what the controller is called.
	account string
	// why it is there, for the reader of the file.
	why string
}

const (
	loadBalancerController = "aws-load-balancer-controller"
	clusterAutoscaler      = "cluster-autoscaler"
	kubeSystem             = "kube-system"
)

// roles of the controllers that are installed into the cluster afterwards.
func (n needs) roles() []role {
	var list []role
	if n.balanced && !n.auto() {
		list = append(list, role{loadBalancerController, "Makes the load balancer of the gateway's Service."})
	}
	if n.managed() {
		list = append(list, role{clusterAutoscaler, "Brings nodes of the groups, and takes them away."})
	}
	return list
}

// endpoints of the VPC: what nodes read without the NAT gateways, which cost by the byte. S3's is a gateway and free.
// https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html
func (n needs) endpoints() []string {
	list := []string{"ecr.api", "ecr.dkr", "sts"}
	if n.podIdentity || len(n.roles()) > 0 || n.karpenter() {
		list = append(list, "eks-auth")
	}
	if n.newFSx {
		list = append(list, "fsx")
	}
	return list
}
