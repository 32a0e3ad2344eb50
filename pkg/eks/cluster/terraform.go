package cluster

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/eks"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	usualZones = 3

	vpcID          = "${module.vpc.vpc_id}"
	privateSubnets = "${module.vpc.private_subnets}"
	nodeGroupID    = "${module.eks.node_security_group_id}"
	clusterName    = "${module.eks.cluster_name}"
	// primaryGroupID is of the group that EKS makes of a cluster, and gives the nodes of EKS Auto Mode's own pools.
	primaryGroupID = "${module.eks.cluster_primary_security_group_id}"
)

// terraform is a root module.
func (n needs) terraform() configuration {
	c := configuration{
		Comment: n.head("terraform init; terraform apply"),
		Terraform: terraformBlock{RequiredVersion: leastTerraform, RequiredProviders: map[string]requiredProvider{
			"aws": {Source: "hashicorp/aws", Version: leastProvider},
		}},
		Provider: map[string]provider{"aws": {Region: n.Region}},
		Module:   modules{VPC: n.vpcModule(), EKS: n.eksModule(), Endpoints: n.endpointsModule()},
		Output:   map[string]terraformOutput{"cluster_name": {"Name of the cluster.", clusterName}},
	}
	if len(n.Zones) == 0 {
		c.Data = &dataSources{Zones: map[string]zonesData{"available": {Filter: []filter{{"opt-in-status", []string{"opt-in-not-required"}}}}}}
	}
	if n.karpenter() {
		c.Module.Karpenter = &karpenterModule{
			Source: "terraform-aws-modules/eks/aws//modules/karpenter", Version: eksModuleVersion,
			ClusterName: clusterName, NodeIAMRoleName: n.Role, QueueName: n.Name,
		}
		c.Output["karpenter_queue"] = terraformOutput{"For settings.interruptionQueue of Karpenter's chart.", "${module.karpenter.queue_name}"}
	}
	if n.balanced && !n.auto() {
		c.Output["vpc_id"] = terraformOutput{"For vpcId of the AWS Load Balancer Controller's chart: its pods don't reach the nodes' metadata.", vpcID}
	}
	n.controllers(&c.Module)
	if r := n.resources(c.Output); r != nil {
		c.Resource = r
	}
	return c
}

func (n needs) zoneCount() int {
	if len(n.Zones) == 0 {
		return usualZones
	}
	return len(n.Zones)
}

func (n needs) vpcModule() vpcModule {
	m := vpcModule{
		Source: "terraform-aws-modules/vpc/aws", Version: vpcModuleVersion, Name: n.Name, CIDR: n.CIDR, AZs: n.Zones,
		EnableNATGateway: true, SingleNATGateway: n.NAT == spec.NATSingle, OneNATGatewayPerAZ: n.NAT != spec.NATSingle,
		PrivateSubnetTags: map[string]string{eks.PrivateTag: "1", eks.DiscoveryTag: n.Name},
		PublicSubnetTags:  map[string]string{"kubernetes.io/role/elb": "1"},
	}
	if len(n.Zones) == 0 {
		m.AZs = fmt.Sprintf("${slice(data.aws_availability_zones.available.names, 0, %d)}", usualZones)
	}
	m.PrivateSubnets, m.PublicSubnets = subnets(n.CIDR, n.zoneCount())
	return m
}

// subnets divides a network in eight: seven have room for a zone's nodes and pods each, the last for eight small ones with what
// faces the internet.
func subnets(cidr string, zones int) (private, public []string) {
	whole := netip.MustParsePrefix(cidr)
	for zone := range zones {
		private = append(private, part(whole, 3, zone))
		public = append(public, part(whole, 6, 7*8+zone))
	}
	return private, public
}

// part is one of 2^bits equal networks of another.
func part(whole netip.Prefix, bits, index int) string {
	start := whole.Addr().As4()
	size := whole.Bits() + bits
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], binary.BigEndian.Uint32(start[:])+uint32(index)<<(32-size)) //nolint:gosec // an index below 64
	return netip.PrefixFrom(netip.AddrFrom4(address), size).String()
}

func (n needs) eksModule() eksModule {
	m := eksModule{
		Source: "terraform-aws-modules/eks/aws", Version: eksModuleVersion,
		Name: n.Name, KubernetesVersion: n.Version, VPCID: vpcID, SubnetIDs: privateSubnets,
		EndpointPublicAccess: true, EndpointPublicAccessCIDRs: n.PublicAccessCIDRs, CreatorIsAdmin: true, EnableIRSA: true, IAMRoleName: clusterRole(n.Name),
		LogTypes: logTypes(), LogDays: logDays, CreateKMSKey: n.KMSKeyARN == "", Addons: map[string]tfAddon{},
		NodeSecurityGroupRules: n.nodeRules(), NodeSecurityGroupTags: map[string]string{eks.DiscoveryTag: n.Name},
	}
	if n.KMSKeyARN != "" {
		m.EncryptionConfig = &encryptionConfig{ProviderKeyARN: n.KMSKeyARN, Resources: []string{"secrets"}}
	}
	for _, a := range n.addOns() {
		m.Addons[a.name] = tfAddon{BeforeCompute: a.early, ConfigurationValues: a.configuration}
	}
	if n.ownGroups {
		// The control plane attaches the pods' network interfaces; eksctl gives it this by itself.
		const resourceController = "AmazonEKSVPCResourceController"
		m.ClusterRolePolicies = map[string]string{resourceController: "arn:" + spec.Partition(n.Region).ID + ":iam::aws:policy/" + resourceController}
	}
	if n.auto() {
		m.ComputeConfig = &computeConfig{Enabled: true, NodePools: []string{"general-purpose", "system"}}
		m.NodeIAMRoleName, m.NodeIAMRoleUseNamePrefix = n.Role, ptr.To(false)
		return m
	}
	m.NodeGroups = map[string]nodeGroup{systemGroup: {
		AMIType: "AL2023_x86_64_STANDARD", InstanceTypes: []string{systemInstance}, CapacityType: capacityTypeOf(spec.CapacityOnDemand, false),
		MinSize: systemNodes, DesiredSize: systemNodes, MaxSize: mostSystemNodes,
		BlockDeviceMappings: rootVolume("/dev/xvda", systemVolumeGiB, 0), MetadataOptions: metadata(),
	}}
	for _, g := range n.groups {
		m.NodeGroups[g.Name] = n.nodeGroup(g)
	}
	return m
}

const (
	// modelsRole begins the names of the roles of the models' node groups.
	modelsRole = "models"
	// rolePrefix is the longest prefix of a role's name that the provider takes, with the hyphen that the modules add.
	rolePrefix = 38
)

// clusterRole begins the name of the control plane's role, empty where the module's own is short enough.
func clusterRole(name string) string {
	if len(name+"-cluster-") <= rolePrefix {
		return ""
	}
	return name[:min(len(name), rolePrefix-1)]
}

func metadata() tfMetadataOptions { return tfMetadataOptions{"enabled", "required", 1} }

func rootVolume(device string, size, throughput int64) map[string]blockDevice {
	return map[string]blockDevice{device[len("/dev/"):]: {DeviceName: device, EBS: ebs{
		VolumeSize: size, VolumeType: volumeType, Throughput: throughput, Encrypted: true, DeleteOnTermination: true,
	}}}
}

// capacityTypeOf is EKS' word. https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html
func capacityTypeOf(capacity string, block bool) string {
	switch {
	case block:
		return "CAPACITY_BLOCK"
	case capacity == spec.CapacitySpot:
		return "SPOT"
	}
	return "ON_DEMAND"
}

func (n needs) nodeGroup(g eks.NodeGroup) nodeGroup {
	reservation := g.Pool.Platform.Nodes.Reservation
	reserved := reservation != nil && g.Capacity == spec.CapacityReserved
	device := "/dev/xvda"
	if strings.HasPrefix(g.AMIType, "BOTTLEROCKET") {
		device = "/dev/xvdb" // the second holds all that isn't the system
	}
	group := nodeGroup{
		// The module would make a longer name than EKS takes, and of it a role's prefix that IAM doesn't.
		UseNamePrefix: ptr.To(false), IAMRoleName: modelsRole,
		// The module would give all nodes the newest release at every apply.
		AMIType: g.AMIType, LatestRelease: ptr.To(false),
		InstanceTypes: []string{g.InstanceType}, CapacityType: capacityTypeOf(g.Capacity, reserved && reservation.CapacityBlock),
		MinSize: g.MinSize, DesiredSize: g.MinSize, MaxSize: g.MaxSize, EnableEFASupport: g.EFA,
		BlockDeviceMappings: rootVolume(device, g.VolumeGiB, volumeThroughput), MetadataOptions: metadata(),
		Labels: g.Labels, Taints: map[string]tfTaint{},
	}
	if g.LocalDisks {
		group.CloudinitPreNodeadm = []cloudinitPart{{eks.NodeConfig(), eks.NodeConfigType}}
		group.BlockDeviceMappings = rootVolume(device, g.VolumeGiB, 0)
	}
	if g.Zone != "" {
		group.SubnetIDs = []string{fmt.Sprintf("${module.vpc.private_subnets[%d]}", slices.Index(n.Zones, g.Zone))}
	}
	for i, taint := range g.Taints {
		group.Taints[fmt.Sprint("taint-", i)] = tfTaint{taint.Key, taint.Value, effect(taint.Effect)}
	}
	if reserved {
		group.CapacityReservation = &tfReservation{tfReservationTarget{reservation.ID}}
		if reservation.CapacityBlock {
			group.InstanceMarketOptions = &tfMarketOptions{capacityBlock}
		}
	}
	return group
}

// effect is EKS' word for a taint's.
func effect(e corev1.TaintEffect) string {
	return map[corev1.TaintEffect]string{
		corev1.TaintEffectNoSchedule: "NO_SCHEDULE", corev1.TaintEffectNoExecute: "NO_EXECUTE", corev1.TaintEffectPreferNoSchedule: "PREFER_NO_SCHEDULE",
	}[e]
}

// nodeRules are what the module's own leave out.
func (n needs) nodeRules() map[string]nodeRule {
	of := func(r rule, kind string) nodeRule {
		return nodeRule{Description: r.why, Protocol: r.protocol, FromPort: r.from, ToPort: r.to, Type: kind}
	}
	webhook := of(webhookRule(), "ingress")
	webhook.FromCluster = true
	rules := map[string]nodeRule{webhookRule().name: webhook}
	if n.efa {
		in, out := of(efaRule(), "ingress"), of(efaRule(), "egress")
		in.Self, out.Self = true, true
		rules["efa_in"], rules["efa_out"] = in, out
	}
	if n.fsx {
		for _, r := range lustreRules() {
			in := of(r, "ingress")
			in.SourceGroupID = "${aws_security_group.fsx.id}"
			rules[r.name] = in
		}
	}
	return rules
}

func (n needs) endpointsModule() endpointsModule {
	m := endpointsModule{
		Source: "terraform-aws-modules/vpc/aws//modules/vpc-endpoints", Version: vpcModuleVersion,
		VPCID: vpcID, SubnetIDs: privateSubnets, CreateSecurityGroup: true, SecurityGroupName: n.Name + "-vpc-endpoints",
		Description: "VPC endpoints of " + n.Name, Rules: map[string]endpointRule{httpsRule().name: {httpsRule().why, []string{n.CIDR}}},
		Endpoints: map[string]tfEndpoint{"s3": {Service: "s3", ServiceType: "Gateway", RouteTableIDs: "${module.vpc.private_route_table_ids}"}},
	}
	for _, service := range n.endpoints() {
		m.Endpoints[strings.NewReplacer(".", "_", "-", "_").Replace(service)] = tfEndpoint{Service: service, PrivateDNSEnabled: true}
	}
	return m
}

// controllers adds the roles of those that call AWS.
func (n needs) controllers(m *modules) {
	for _, r := range n.roles() {
		identity := podIdentity(r.account, r.account)
		switch r.account {
		case loadBalancerController:
			identity.LoadBalancerController, m.LoadBalancerController = true, identity
		case clusterAutoscaler:
			identity.ClusterAutoscaler, identity.AutoscalerClusters, m.ClusterAutoscaler = true, []string{clusterName}, identity
		}
	}
	// The ServiceAccounts of the drivers' add-ons.
	if n.newFSx {
		m.FSxDriver = podIdentity("aws-fsx-csi-driver", "fsx-csi-controller-sa")
		m.FSxDriver.FSx = true
	}
	if n.efs {
		m.EFSDriver = podIdentity("aws-efs-csi-driver", "efs-csi-controller-sa")
		m.EFSDriver.EFS = true
	}
	if n.ebs && !n.auto() {
		m.EBSDriver = podIdentity("aws-ebs-csi-driver", "ebs-csi-controller-sa")
		m.EBSDriver.EBS = true
	}
}

func podIdentity(name, account string) *podIdentityModule {
	return &podIdentityModule{
		Source: "terraform-aws-modules/eks-pod-identity/aws", Version: podIdentityModuleVersion, Name: name,
		Associations: map[string]tfAssociation{"cluster": {clusterName, kubeSystem, account}},
	}
}

// resources are those of no module, nil for none.
func (n needs) resources(outputs map[string]terraformOutput) *resources {
	r := &resources{Groups: map[string]tfSecurityGroup{}, Ingress: map[string]tfRule{}, Egress: map[string]tfRule{}, ASGTags: n.groupTags()}
	if n.auto() {
		r.joinNodes()
	}
	if n.fsx {
		n.addFSx(r, outputs)
	}
	if n.efs {
		const own = "${aws_security_group.efs.id}"
		r.Groups["efs"] = tfSecurityGroup{Name: n.Name + "-efs", Description: "EFS of " + n.Name, VPCID: vpcID}
		for name, nodes := range n.nodesGroups() {
			r.Ingress["efs_nfs_"+name] = nfsRule().between(own, nodes)
		}
		outputs["efs_security_group_id"] = terraformOutput{"For the file system's mount targets.", own}
	}
	if len(r.Groups)+len(r.ASGTags)+len(r.Ingress) == 0 {
		return nil
	}
	return r
}

// joinNodes lets the models' nodes, which have the module's group by its tag, and those of EKS Auto Mode's own pools, which have
// the group that EKS makes, talk: model servers to istiod, gateways to model servers.
func (r *resources) joinNodes() {
	all := rule{protocol: allProtocols, why: "Nodes of models and of EKS Auto Mode's own pools"}
	r.Ingress["models_from_system"], r.Ingress["system_from_models"] = all.between(nodeGroupID, primaryGroupID), all.between(primaryGroupID, nodeGroupID)
}

// nodesGroups are the security groups of nodes, by the names that tell their rules apart.
func (n needs) nodesGroups() map[string]string {
	groups := map[string]string{"nodes": nodeGroupID}
	if n.auto() {
		groups["system_nodes"] = primaryGroupID
	}
	return groups
}

func (n needs) addFSx(r *resources, outputs map[string]terraformOutput) {
	const own = "${aws_security_group.fsx.id}"
	r.Groups["fsx"] = tfSecurityGroup{Name: n.Name + "-fsx", Description: "FSx for Lustre of " + n.Name, VPCID: vpcID}
	for _, lustre := range lustreRules() {
		r.Ingress["fsx_"+lustre.name+"_itself"], r.Egress["fsx_"+lustre.name+"_itself"] = lustre.between(own, own), lustre.between(own, own)
		for name, nodes := range n.nodesGroups() {
			r.Ingress["fsx_"+lustre.name+"_"+name], r.Egress["fsx_"+lustre.name+"_"+name] = lustre.between(own, nodes), lustre.between(own, nodes)
		}
		if n.auto() { // the module's own group has this rule already (nodeRules)
			r.Ingress["system_nodes_"+lustre.name] = lustre.between(primaryGroupID, own)
		}
	}
	outputs["fsx_security_group_id"] = terraformOutput{"For spec.model.volume.fsx.securityGroupIds, or the file system that exists.", own}
}

// between lets two groups talk.
func (r rule) between(group, other string) tfRule {
	return tfRule{group, other, r.protocol, r.from, r.to, r.why}
}

// groupTags tell the Cluster Autoscaler what a node of a group will have. EKS puts no tags of its own on Auto Scaling groups but
// those by which the autoscaler finds them.
func (n needs) groupTags() map[string]asgTag {
	all := map[string]asgTag{}
	for _, g := range n.groups {
		for i, key := range slices.Sorted(maps.Keys(g.Tags)) {
			if !strings.Contains(key, "/node-template/") {
				continue
			}
			all[fmt.Sprintf("%s-%d", g.Name, i)] = asgTag{
				Group: fmt.Sprintf("${module.eks.eks_managed_node_groups[%q].node_group_autoscaling_group_names[0]}", g.Name),
				Tag:   asgTagBody{Key: key, Value: g.Tags[key]},
			}
		}
	}
	return all
}
