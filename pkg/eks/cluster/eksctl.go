package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/eks"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// karpenterVersion is for Kubernetes 1.29 to 1.35 (https://karpenter.sh/docs/upgrading/compatibility/). eksctl gives the chart's
	// version on as it is.
	karpenterVersion = "1.11.1"

	// The nodes of what isn't a model: istiod, the gateway, KServe, Prometheus, Karpenter.
	systemGroup     = "system"
	systemInstance  = "m7i.xlarge"
	systemNodes     = 3
	mostSystemNodes = 6
	systemVolumeGiB = 80

	volumeType = "gp3"
	// volumeThroughput in MiB/s: gp3 has 125 unless asked, too slow for images of tens of gigabytes.
	volumeThroughput = 500

	logDays = 90
)

// logTypes tell who did what; the scheduler's and the controllers' are long and seldom read.
func logTypes() []string { return []string{"api", "audit", "authenticator"} }

// eksctl is the ClusterConfig, with what a reader should know.
func (n needs) eksctl() (*Config, manifest.Comments) {
	c := &Config{
		APIVersion: "eksctl.io/v1alpha5", Kind: "ClusterConfig",
		Metadata:          Meta{Name: n.Name, Region: n.Region, Version: n.Version, Tags: map[string]string{eks.DiscoveryTag: n.Name}},
		AvailabilityZones: n.Zones,
		VPC: VPC{
			CIDR: n.CIDR, NAT: NAT{Gateway: natGateway(n.NAT)}, PublicAccessCIDRs: n.PublicAccessCIDRs,
			ClusterEndpoints: Endpoints{PrivateAccess: true, PublicAccess: true},
		},
		AccessConfig: AccessConfig{AuthenticationMode: "API_AND_CONFIG_MAP"},
		IAM:          IAM{WithOIDC: true},
		CloudWatch:   CloudWatch{ClusterLogging: Logging{EnableTypes: logTypes(), LogRetentionInDays: logDays}},
	}
	at := map[string]string{
		"/metadata/tags":                "Of the networks and security groups: nodes find them by it.",
		"/metadata/version":             "What KServe, Istio and Karpenter run on: docs/eks-cluster.md.",
		"/vpc/nat":                      natComment(n.NAT),
		"/vpc/clusterEndpoints":         "Nodes reach the API server inside of the VPC. Outside, callers prove who they are to IAM;\nspec.platform.eks.network.publicAccessCidrs limits them.",
		"/iam/withOIDC":                 "For IAM roles for service accounts.",
		"/cloudWatch/clusterLogging":    "In CloudWatch, for so many days.",
		"/availabilityZones":            n.zonesComment(),
		"/addons/0/configurationValues": "The VPC CNI holds to NetworkPolicies only when it is told.",
	}
	for _, r := range n.roles() {
		c.IAM.PodIdentityAssociations = append(c.IAM.PodIdentityAssociations, association(r))
		at[fmt.Sprintf("/iam/podIdentityAssociations/%d", len(c.IAM.PodIdentityAssociations)-1)] = r.why + " Install it by its chart, with this ServiceAccount."
	}
	for _, a := range n.addOns() {
		c.Addons = append(c.Addons, Addon{Name: a.name, ConfigurationValues: a.configuration, UseDefaultPodIdentityAssociations: a.permissions})
	}
	if n.KMSKeyARN != "" {
		c.SecretsEncryption = &SecretsEncryption{KeyARN: n.KMSKeyARN}
	}
	n.nodes(c, at)
	return c, manifest.Comments{Head: n.head("eksctl create cluster -f " + eksctlFile), At: present(at, c)}
}

// present leaves the comments that have words and a place.
func present(at map[string]string, c *Config) map[string]string {
	there := map[string]bool{
		"/availabilityZones": len(c.AvailabilityZones) > 0, "/addons/0/configurationValues": c.Addons[0].ConfigurationValues != "",
	}
	kept := map[string]string{}
	for pointer, text := range at {
		if has, conditional := there[pointer]; text != "" && (!conditional || has) {
			kept[pointer] = text
		}
	}
	return kept
}

func natGateway(nat string) string {
	if nat == spec.NATSingle {
		return "Single"
	}
	return "HighlyAvailable"
}

func natComment(nat string) string {
	if nat == spec.NATSingle {
		return "One for all zones: cheaper, and without it none of them reaches what has no endpoint."
	}
	return "One in each zone: single is cheaper, and its zone's loss is that of all."
}

// zonesComment says which zones were added.
func (n needs) zonesComment() string {
	if len(n.Zones) == len(n.Named) {
		return "spec.platform.eks.zones."
	}
	return fmt.Sprintf("spec.platform.eks.zones are %s alone, and a cluster's networks are in several: see that the account has the others\n(aws ec2 describe-availability-zones --region %s).", strings.Join(n.Named, ", "), n.Region)
}

func association(r role) Association {
	return Association{Namespace: kubeSystem, ServiceAccountName: r.account, WellKnownPolicies: WellKnownPolicies{
		AutoScaler: r.account == clusterAutoscaler, AWSLoadBalancerController: r.account == loadBalancerController,
	}}
}

// nodes adds what makes nodes: of the models, and of what isn't one.
func (n needs) nodes(c *Config, at map[string]string) {
	if n.auto() {
		c.AutoModeConfig = &AutoModeConfig{Enabled: true, NodePools: []string{"general-purpose", "system"}}
		at["/autoModeConfig/nodePools"] = "For what isn't a model; the models' NodePools are in the tree that `kservegen render --shared` writes."
		return
	}
	c.ManagedNodeGroups = []ManagedNodeGroup{{
		Name: systemGroup, AMIFamily: "AmazonLinux2023", InstanceTypes: []string{systemInstance},
		MinSize: systemNodes, DesiredCapacity: systemNodes, MaxSize: mostSystemNodes, PrivateNetworking: true,
		VolumeSize: systemVolumeGiB, VolumeType: volumeType, VolumeEncrypted: true, DisableIMDSv1: true,
	}}
	at["/managedNodeGroups/0"] = "For what isn't a model: istiod, the gateway, KServe, Prometheus and the controllers."
	if n.karpenter() {
		c.Karpenter = &Karpenter{Version: karpenterVersion, CreateServiceAccount: true, WithSpotInterruptionQueue: true}
		at["/karpenter"] = "Its NodePools are in the tree that `kservegen render --shared` writes."
	}
	for _, g := range n.groups {
		if tags := unknownResources(g); tags != "" {
			at[fmt.Sprintf("/managedNodeGroups/%d/name", len(c.ManagedNodeGroups))] = "For the autoscaler its Auto Scaling group wants, by aws autoscaling create-or-update-tags:\n" + tags
		}
		c.ManagedNodeGroups = append(c.ManagedNodeGroups, managed(g))
	}
	if len(n.groups) > 0 {
		at["/managedNodeGroups/1"] = "Of the models: one for each type, capacity and zone, from none on, for the Cluster Autoscaler."
		at["/managedNodeGroups/1/propagateASGTags"] = "Labels and taints, which the autoscaler reads while there is no node. It knows the GPUs of instance types."
	}
}

// unknownResources are the tags that the autoscaler wants of a group without nodes and that eksctl, which copies labels and taints, does
// not give it. It knows the GPUs of instance types itself.
func unknownResources(g eks.NodeGroup) string {
	const resources = "k8s.io/cluster-autoscaler/node-template/resources/"
	var tags []string
	for _, key := range slices.Sorted(maps.Keys(g.Tags)) {
		if strings.HasPrefix(key, resources) && key != resources+"nvidia.com/gpu" {
			tags = append(tags, key+": "+g.Tags[key])
		}
	}
	return strings.Join(tags, "\n")
}

// managed is a group of the models.
func managed(g eks.NodeGroup) ManagedNodeGroup {
	m := ManagedNodeGroup{
		Name: g.Name, AMIFamily: "AmazonLinux2023", InstanceTypes: []string{g.InstanceType},
		MinSize: g.MinSize, DesiredCapacity: g.MinSize, MaxSize: g.MaxSize,
		Spot: g.Capacity == spec.CapacitySpot, EFAEnabled: g.EFA, PrivateNetworking: true,
		VolumeSize: g.VolumeGiB, VolumeType: volumeType, VolumeThroughput: volumeThroughput, VolumeEncrypted: true,
		DisableIMDSv1: true, DisablePodIMDS: true, PropagateASGTags: true, Labels: g.Labels,
	}
	if strings.HasPrefix(g.AMIType, "BOTTLEROCKET") {
		m.AMIFamily = "Bottlerocket"
	}
	if g.LocalDisks {
		m.OverrideBootstrapCommand, m.VolumeThroughput = eks.NodeConfig(), 0
	}
	if g.Zone != "" {
		m.AvailabilityZones = []string{g.Zone}
	}
	if reservation := g.Pool.Platform.Nodes.Reservation; reservation != nil && g.Capacity == spec.CapacityReserved {
		m.CapacityReservation = &CapacityReservation{Target: ReservationTarget{ID: reservation.ID}}
		if reservation.CapacityBlock {
			m.InstanceMarketOptions = &MarketOptions{MarketType: capacityBlock}
		}
	}
	for _, taint := range g.Taints {
		m.Taints = append(m.Taints, Taint{Key: taint.Key, Value: taint.Value, Effect: string(taint.Effect)})
	}
	return m
}

const capacityBlock = "capacity-block"

// head says what the file is of.
func (n needs) head(how string) string {
	models := map[string]bool{}
	for _, t := range n.Targets() {
		models[t.Name] = true
	}
	return "A cluster for " + strings.Join(slices.Sorted(maps.Keys(models)), ", ") + ", by kservegen eks cluster.\n" + how + n.quotaNote() + n.costNote()
}
