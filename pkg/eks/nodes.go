package eks

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// DiscoveryTag is on the subnets and security groups of a cluster's nodes, with the cluster's name for a value.
// https://karpenter.sh/docs/getting-started/getting-started-with-karpenter/
const DiscoveryTag = "karpenter.sh/discovery"

// PrivateTag is on private subnets, with the value 1: where internal load balancers may be.
// https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
const PrivateTag = "kubernetes.io/role/internal-elb"

const (
	karpenterAPI = "karpenter.sh/v1"
	ec2API       = "karpenter.k8s.aws/v1"
	autoAPI      = "eks.amazonaws.com/v1"

	capacityType = "karpenter.sh/capacity-type"

	subnetComment = "The cluster's subnets and security groups have the first tag, private subnets the second: eksctl gives public\nones the first, too."

	// idle is how long a node without pods is kept: a replica that follows finds the image on it.
	idle = "5m"

	// A gp3 volume of EBS reads 125 MiB/s unless more is paid for, too slow for images of tens of gigabytes.
	// https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
	volumeIOPS       = 3000
	volumeThroughput = 500
)

// Nodes builds what makes the nodes of the models of one environment: a NodePool and its class for each pool, or, where managed
// node groups do, what ranks these for the Cluster Autoscaler.
func Nodes(targets []spec.Target, labels map[string]string) []manifest.Object {
	var objects []manifest.Object
	for _, pool := range spec.NodePools(targets) {
		switch pool.Platform.Nodes.Provisioner {
		case spec.ProvisionerAuto:
			objects = append(objects, nodeClass(pool, labels), nodePool(pool, labels))
		case spec.ProvisionerKarpenter:
			objects = append(objects, ec2NodeClass(pool, labels), nodePool(pool, labels))
		}
	}
	if expander := priorityExpander(NodeGroups(targets), labels); expander != nil {
		objects = append(objects, *expander)
	}
	return objects
}

func nodePool(p spec.NodePool, labels map[string]string) manifest.Object {
	n := p.Platform.Nodes
	pool := &NodePool{
		TypeMeta:   metav1.TypeMeta{APIVersion: karpenterAPI, Kind: "NodePool"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Labels: labels},
		Spec: NodePoolSpec{
			Template: NodeClaimTemplate{Metadata: templateMeta(p), Spec: NodeClaimSpec{
				NodeClassRef: classRef(p),
				Requirements: requirements(p),
				Taints:       taints(p),
				ExpireAfter:  n.ExpireAfter,
			}},
			Disruption: Disruption{ConsolidationPolicy: "WhenEmpty", ConsolidateAfter: idle, Budgets: budgets(p)},
			Limits: corev1.ResourceList{
				corev1.ResourceName(p.Accelerator.Resource): *resource.NewQuantity(int64(p.Limit), resource.DecimalSI),
			},
			Weight: weight(p),
		},
	}
	return manifest.Object{File: "nodepool-" + p.Name, Typed: pool, Comments: explainPool(p)}
}

func classRef(p spec.NodePool) NodeClassRef {
	if p.Platform.Nodes.Provisioner == spec.ProvisionerAuto {
		return NodeClassRef{Group: "eks.amazonaws.com", Kind: "NodeClass", Name: p.Name}
	}
	return NodeClassRef{Group: "karpenter.k8s.aws", Kind: "EC2NodeClass", Name: p.Name}
}

func requirements(p spec.NodePool) []Requirement {
	in := func(key string, values []string) Requirement {
		return Requirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
	}
	list := []Requirement{in(corev1.LabelInstanceTypeStable, p.TypeNames()), in(capacityType, p.Platform.Nodes.Capacity)}
	if len(p.Platform.Zones) > 0 {
		list = append(list, in(corev1.LabelTopologyZone, p.Platform.Zones))
	}
	return list
}

// taints keep off the pods that need no device: the pods of models tolerate the key, whatever its value.
func taints(p spec.NodePool) []corev1.Taint {
	return []corev1.Taint{{Key: p.Accelerator.TaintKey, Value: "true", Effect: corev1.TaintEffectNoSchedule}}
}

// pluginLabels let the device plugin of NVIDIA's chart onto a node. It waits for this label, or for one of Node Feature Discovery,
// whose workers, as that chart sets them, don't tolerate the taint (k8s-device-plugin: deployments/helm/nvidia-device-plugin/values.yaml).
// Bottlerocket and EKS Auto Mode bring a plugin of their own, beside which there is no room for another.
func pluginLabels(p spec.NodePool) map[string]string {
	if p.Accelerator.Vendor != "nvidia" || !strings.HasPrefix(p.Platform.Nodes.AMI, "al2023@") {
		return nil
	}
	return map[string]string{"nvidia.com/gpu.present": "true"}
}

func templateMeta(p spec.NodePool) *TemplateMeta {
	if labels := pluginLabels(p); labels != nil {
		return &TemplateMeta{Labels: labels}
	}
	return nil
}

// budgets let empty nodes go at once. A node that no longer is what the pool asks for is replaced, one at a time, where every
// model has another replica to answer meanwhile.
func budgets(p spec.NodePool) []Budget {
	drifted := "0"
	if p.Replaceable {
		drifted = "1"
	}
	return []Budget{{Nodes: "100%", Reasons: []string{"Empty"}}, {Nodes: drifted, Reasons: []string{"Drifted"}}}
}

// weight prefers the pool with the fewest devices to a node, and one without EFA: Karpenter tries the heaviest first.
func weight(p spec.NodePool) int32 {
	w := int32(100 - min(p.Devices, 50))
	if p.EFA {
		w -= 50 - 1
	}
	return max(w, 1)
}

func explainPool(p spec.NodePool) manifest.Comments {
	const template = "/spec/template/spec"
	const labels = "/spec/template/metadata/labels"
	at := map[string]string{
		template + "/requirements/0":           "Those of the catalogue that hold a pod, the cheapest first.",
		template + "/taints":                   "Pods of models tolerate it; others would fill the host's CPU and memory.",
		template + "/expireAfter":              expiry(p),
		"/spec/disruption/consolidationPolicy": "A node with a model on it stays, however idle: moving the model would load its weights again.\nWhenEmptyOrUnderutilized, Karpenter's default, evicts models to save a node.",
		"/spec/disruption/budgets":             "Empty nodes go at once. After a change of this pool or its class (Drifted) one at a time is replaced, its\nsuccessor first; none where a model has one replica only or one over several nodes, which would be gone until\nits successor has loaded: delete such nodes when it suits (kubectl delete nodeclaim).",
		"/spec/limits":                         "In whole nodes: replicas.max of every model here, and a replica of each that starts before another ends.\nA pod over it stays Pending.",
		"/spec/weight":                         "Of the pools with this device the one with the fewest to a node is tried first.",
	}
	if pluginLabels(p) != nil {
		at[labels] = "NVIDIA's device plugin runs where this is; Node Feature Discovery, which its chart waits for otherwise, keeps off\nthe taint."
	}
	if len(p.Platform.Zones) > 0 {
		at[template+"/requirements/2"] = "spec.platform.eks.zones."
	}
	if p.Platform.Nodes.Reservation != nil {
		at[template+"/requirements/1"] = "reserved is the capacity of the reservation that the class names."
	}
	head := fmt.Sprintf("Nodes with %s for pods that ask for %d of them", p.Accelerator.Product, p.Devices)
	if p.EFA {
		head += " and for EFA; the pods\nof a replica choose one zone among themselves (their affinity)"
	}
	return manifest.Comments{Head: head + ".", At: at}
}

func expiry(p spec.NodePool) string {
	switch n := p.Platform.Nodes; {
	case n.ExpireAfter == spec.Never:
		return "An expired node is drained whatever the budgets say, and with a pinned image its successor is the same:\na new image is a change of this file."
	case n.Provisioner == spec.ProvisionerAuto:
		return "EKS Auto Mode replaces nodes after 21 days at the latest. Budgets don't hold for it; PodDisruptionBudgets\nand the pods' drain do."
	}
	return "Budgets don't hold for it; PodDisruptionBudgets and the pods' drain do."
}

func discovery(p spec.NodePool) []TagTerm {
	return []TagTerm{{Tags: map[string]string{DiscoveryTag: p.Platform.Cluster}}}
}

// privateSubnets leaves out public ones, which eksctl tags for discovery, too (pkg/cfn/manager/api.go: the tags of a cluster are
// those of its stack). There a node gets a public address, and one with several network cards none, and so no way out.
func privateSubnets(p spec.NodePool) []TagTerm {
	return []TagTerm{{Tags: map[string]string{DiscoveryTag: p.Platform.Cluster, PrivateTag: "1"}}}
}

func reservation(p spec.NodePool) []IDTerm {
	if r := p.Platform.Nodes.Reservation; r != nil {
		return []IDTerm{{ID: r.ID}}
	}
	return nil
}

// tags of instances and volumes, for the bill.
func tags(p spec.NodePool) map[string]string { return map[string]string{"kservegen.dev/nodes": p.Name} }

func ec2NodeClass(p spec.NodePool, labels map[string]string) manifest.Object {
	class := &EC2NodeClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: ec2API, Kind: "EC2NodeClass"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Labels: labels},
		Spec: EC2NodeClassSpec{
			AMISelectorTerms:                 []AMITerm{{Alias: p.Platform.Nodes.AMI}},
			Role:                             p.Platform.Nodes.Role,
			SubnetSelectorTerms:              privateSubnets(p),
			SecurityGroupSelectorTerms:       discovery(p),
			CapacityReservationSelectorTerms: reservation(p),
			BlockDeviceMappings:              volumes(p),
			MetadataOptions:                  &MetadataOptions{HTTPEndpoint: "enabled", HTTPPutResponseHopLimit: 1, HTTPTokens: "required"},
			Tags:                             tags(p),
		},
	}
	at := map[string]string{
		"/spec/amiSelectorTerms":    "Pinned: latest replaces every node at each release. Karpenter takes the variant with the device's driver.",
		"/spec/subnetSelectorTerms": subnetComment,
		"/spec/metadataOptions":     "A hop more, and every pod could take the node's role.",
		"/spec/tags":                "Of instances and volumes, for the bill.",
		"/spec/blockDeviceMappings": "The system, two versions of the image, and what pods of a node fetch; 500 MiB/s, where gp3 has 125 unless asked.",
	}
	if p.LocalDisks() {
		class.Spec.InstanceStorePolicy = "RAID0"
		at["/spec/instanceStorePolicy"] = "Images and weights on the instance's own disks: faster than EBS, and paid for already."
		at["/spec/blockDeviceMappings"] = "The system alone."
	}
	if r := p.Platform.Nodes.Reservation; r != nil && r.CapacityBlock {
		at["/spec/capacityReservationSelectorTerms"] = "A Capacity Block: EC2 takes the instances back when it ends, and Karpenter drains them before."
	}
	return manifest.Object{File: "ec2nodeclass-" + p.Name, Typed: class, Comments: manifest.Comments{
		Head: "How EC2 makes the nodes of " + p.Name + ".", At: at,
	}}
}

// volumes are the root volume, and for Bottlerocket its second, which holds all that isn't the system.
func volumes(p spec.NodePool) []BlockDeviceMapping {
	volume := func(device string, gib int64) BlockDeviceMapping {
		return BlockDeviceMapping{DeviceName: device, EBS: EBS{
			VolumeSize: fmt.Sprintf("%dGi", gib), VolumeType: "gp3", Encrypted: true, DeleteOnTermination: true,
		}}
	}
	const system, data = "/dev/xvda", "/dev/xvdb"
	root := volume(system, p.VolumeGiB())
	list := []BlockDeviceMapping{root}
	if strings.HasPrefix(p.Platform.Nodes.AMI, "bottlerocket@") {
		list = []BlockDeviceMapping{volume(system, 4), volume(data, p.VolumeGiB())}
	}
	last := &list[len(list)-1]
	last.RootVolume = len(list) > 1
	if !p.LocalDisks() {
		last.EBS.IOPS, last.EBS.Throughput = volumeIOPS, volumeThroughput
	}
	return list
}

func nodeClass(p spec.NodePool, labels map[string]string) manifest.Object {
	class := &NodeClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: autoAPI, Kind: "NodeClass"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Labels: labels},
		Spec: NodeClassSpec{
			Role:                             p.Platform.Nodes.Role,
			SubnetSelectorTerms:              privateSubnets(p),
			SecurityGroupSelectorTerms:       discovery(p),
			CapacityReservationSelectorTerms: reservation(p),
			EphemeralStorage: EphemeralStorage{
				Size: fmt.Sprintf("%dGi", p.VolumeGiB()), IOPS: volumeIOPS, Throughput: volumeThroughput,
			},
			Tags: tags(p),
		},
	}
	return manifest.Object{File: "nodeclass-" + p.Name, Typed: class, Comments: manifest.Comments{
		Head: "How EKS Auto Mode makes the nodes of " + p.Name + ". It chooses the image, encrypts the volume and keeps pods from\nthe node's role by itself.",
		At: map[string]string{
			"/spec/role":                "It needs an access entry with the policy AmazonEKSAutoNodePolicy.",
			"/spec/subnetSelectorTerms": subnetComment,
			"/spec/ephemeralStorage":    "The system, two versions of the image, and what pods of a node fetch.",
			"/spec/tags":                "Of instances and volumes, for the bill.",
		},
	}}
}
