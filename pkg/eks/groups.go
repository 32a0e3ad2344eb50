package eks

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// NodeGroup is a managed node group: instances of one type, of one capacity, in one zone, since the Cluster Autoscaler takes the
// nodes of a group to be alike, and cannot choose a zone within one.
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
type NodeGroup struct {
	// Name, which is also the start of its Auto Scaling group's name after eks-.
	Name string
	// Pool is the nodes that it is a part of.
	Pool spec.NodePool
	// InstanceType of EC2, Capacity one of spec's constants, Zone empty for those of the cluster's subnets.
	InstanceType, Capacity, Zone string
	// MinSize and MaxSize in nodes. MinSize is 0: the autoscaler brings what pods want.
	MinSize, MaxSize int
	// AMIType as EKS names it. Of which release is not said: EKS names those by patch releases of Kubernetes and by commits.
	AMIType string
	// VolumeGiB of the encrypted root volume, of type gp3.
	VolumeGiB int64
	// LocalDisks wants nodeadm to make one of the instance's own disks, for images and pods; see NodeConfig.
	LocalDisks bool
	// EFA asks for a launch template with EFA interfaces.
	EFA    bool
	Labels map[string]string
	Taints []corev1.Taint
	// Tags of the Auto Scaling group: that the autoscaler finds it, and what a node of it has while there is none.
	Tags map[string]string
	// Priority for the autoscaler's expander priority: the highest is tried first.
	Priority int
}

// NodeGroups lists the managed node groups that the models of one environment ask for, those to be tried first before others of
// the same pool. It is empty where another provisioner makes the nodes.
func NodeGroups(targets []spec.Target) []NodeGroup {
	var groups []NodeGroup
	for _, pool := range spec.NodePools(targets) {
		n := pool.Platform.Nodes
		if n.Provisioner != spec.ProvisionerManaged {
			continue
		}
		zones := pool.Platform.Zones
		if len(zones) == 0 {
			zones = []string{""}
		}
		priority := len(n.Capacity) * len(pool.Types) * 10
		for _, capacity := range n.Capacity {
			for _, instance := range pool.Types {
				for _, zone := range zones {
					g := NodeGroup{
						Name: groupName(pool.Name, instance.Name, capacity, zone), Pool: pool,
						InstanceType: instance.Name, Capacity: capacity, Zone: zone,
						MaxSize: (pool.Limit + instance.Count - 1) / instance.Count,
						AMIType: amiType(pool), VolumeGiB: pool.VolumeGiB(), LocalDisks: pool.LocalDisks(), EFA: pool.EFA,
						Labels: groupLabels(pool), Taints: taints(pool), Priority: priority,
					}
					g.Tags = g.tags(instance.Count, instance.EFA, g.diskGiB(pool.LocalGiB(instance)))
					groups = append(groups, g)
				}
				priority -= 10
			}
		}
	}
	return groups
}

func groupName(pool, instance, capacity, zone string) string {
	parts := []string{pool, strings.ReplaceAll(instance, ".", "-")}
	if capacity != spec.CapacityOnDemand {
		parts = append(parts, capacity)
	}
	if zone != "" {
		parts = append(parts, zone)
	}
	return strings.Join(parts, "-")
}

// amiType is that of the AMI family with the device's driver.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html
func amiType(p spec.NodePool) string {
	variant := strings.ToUpper(p.Accelerator.Vendor)
	if p.Accelerator.Vendor == "aws" {
		variant = "NEURON"
	}
	if strings.HasPrefix(p.Platform.Nodes.AMI, "bottlerocket@") {
		return "BOTTLEROCKET_x86_64_" + variant
	}
	return "AL2023_x86_64_" + variant
}

// gpuLabel tells the Cluster Autoscaler that a node will have NVIDIA GPUs, so that it waits for the device plugin of a node that is
// up, instead of bringing another one. Its value is for the reader. A node of Neuron with it would never be ready.
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
const gpuLabel = "k8s.amazonaws.com/accelerator"

func groupLabels(p spec.NodePool) map[string]string {
	labels := map[string]string{"kservegen.dev/nodes": p.Name}
	maps.Copy(labels, pluginLabels(p))
	if p.Accelerator.Vendor == "nvidia" {
		labels[gpuLabel] = "nvidia-" + p.Accelerator.Name
	}
	return labels
}

// tags say what a node of the group will have: while there is none the autoscaler has nothing else to go by.
func (g NodeGroup) tags(devices, efa int, diskGiB int64) map[string]string {
	const node = "k8s.io/cluster-autoscaler/node-template/"
	tags := map[string]string{
		"k8s.io/cluster-autoscaler/enabled":                    "true",
		"k8s.io/cluster-autoscaler/" + g.Pool.Platform.Cluster: "owned",
		node + "resources/" + g.Pool.Accelerator.Resource:      strconv.Itoa(devices),
		node + "resources/" + ephemeralStorage:                 fmt.Sprintf("%dGi", diskGiB),
		node + "label/" + corev1.LabelInstanceTypeStable:       g.InstanceType,
	}
	if g.EFA {
		tags[node+"resources/"+spec.EFAResource] = strconv.Itoa(efa)
	}
	if g.Zone != "" {
		tags[node+"label/"+corev1.LabelTopologyZone] = g.Zone
	}
	for key, value := range g.Labels {
		tags[node+"label/"+key] = value
	}
	for _, taint := range g.Taints {
		tags[node+"taint/"+taint.Key] = fmt.Sprintf("%s:%s", taint.Value, taint.Effect)
	}
	return tags
}

// ephemeralStorage is what pods that download ask for. Of a node that isn't there the autoscaler takes it for none, and brings no
// node for them (aws_manager.go: buildNodeFromTemplate).
const ephemeralStorage = "ephemeral-storage"

// diskGiB is what the kubelet leaves to pods of the disk that it is on: nine tenths, less 1 GiB.
func (g NodeGroup) diskGiB(local int64) int64 {
	disk := g.VolumeGiB
	if g.LocalDisks {
		disk = local
	}
	return disk*9/10 - 1
}

// NodeConfigType is the media type of a NodeConfig in a launch template.
const NodeConfigType = "application/node.eks.aws"

// NodeConfig tells nodeadm, of EKS' AL2023, to make a RAID 0 of the instance's own disks, and to keep images and pods on it.
// https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/#localstorageoptions
func NodeConfig() string {
	type localStorage struct {
		Strategy string `json:"strategy"`
	}
	type instance struct {
		LocalStorage localStorage `json:"localStorage"`
	}
	type specification struct {
		Instance instance `json:"instance"`
	}
	data, err := yaml.Marshal(struct {
		APIVersion string        `json:"apiVersion"`
		Kind       string        `json:"kind"`
		Spec       specification `json:"spec"`
	}{"node.eks.aws/v1alpha1", "NodeConfig", specification{instance{localStorage{"RAID0"}}}})
	if err != nil {
		panic(err) // strings
	}
	return string(data)
}

// priorityExpander ranks the groups for the Cluster Autoscaler's expander priority, nil for none. The autoscaler looks for a
// ConfigMap of this name in its own namespace.
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/expander/priority/readme.md
func priorityExpander(groups []NodeGroup, labels map[string]string) *manifest.Object {
	if len(groups) == 0 {
		return nil
	}
	byPriority := map[int][]string{}
	for _, g := range groups {
		byPriority[g.Priority] = append(byPriority[g.Priority], "eks-"+g.Name+"-[0-9a-f-]{36}$")
	}
	var text strings.Builder
	for _, priority := range slices.Backward(slices.Sorted(maps.Keys(byPriority))) {
		fmt.Fprintf(&text, "%d:\n", priority)
		for _, name := range byPriority[priority] {
			fmt.Fprintf(&text, "- ^%s\n", name)
		}
	}
	config := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: "cluster-autoscaler-priority-expander", Namespace: "kube-system", Labels: labels},
		Data:       map[string]string{"priorities": text.String()},
	}
	return &manifest.Object{File: "configmap-cluster-autoscaler", Typed: config, Comments: manifest.Comments{
		Head: "For a Cluster Autoscaler with --expander=priority in kube-system: the capacity that the document names first, then the\ncheapest type. The names are those that EKS gives the Auto Scaling groups of managed node groups.",
	}}
}
