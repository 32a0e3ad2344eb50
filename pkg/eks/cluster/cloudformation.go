package cluster

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/eks"
	"github.com/kservegen/kservegen/pkg/spec"
)

// The part of CloudFormation's templates that is used.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html

type template struct {
	Version     string               `json:"AWSTemplateFormatVersion"`
	Description string               `json:"Description"`
	Parameters  map[string]parameter `json:"Parameters"`
	Resources   map[string]resource  `json:"Resources"`
	Outputs     map[string]output    `json:"Outputs,omitempty"`
}

type parameter struct {
	Type        string `json:"Type"`
	Description string `json:"Description"`
}

type resource struct {
	Type       string `json:"Type"`
	Properties any    `json:"Properties"`
}

type output struct {
	Description string    `json:"Description"`
	Value       reference `json:"Value"`
}

// reference is a value that CloudFormation fills in: one of the fields.
type reference struct {
	Ref         string   `json:"Ref,omitempty"`
	GetAtt      []string `json:"Fn::GetAtt,omitempty"`
	ImportValue string   `json:"Fn::ImportValue,omitempty"`
	Split       []any    `json:"Fn::Split,omitempty"`
	Sub         string   `json:"Fn::Sub,omitempty"`
}

type tag struct{ Key, Value string }

type vpcEndpoint struct {
	VpcID             reference   `json:"VpcId"`
	ServiceName       string      `json:"ServiceName"`
	Type              string      `json:"VpcEndpointType"`
	RouteTableIDs     *reference  `json:"RouteTableIds,omitempty"`
	SubnetIDs         *reference  `json:"SubnetIds,omitempty"`
	SecurityGroupIDs  []reference `json:"SecurityGroupIds,omitempty"`
	PrivateDNSEnabled bool        `json:"PrivateDnsEnabled,omitempty"`
}

type securityGroup struct {
	Description string    `json:"GroupDescription"`
	VpcID       reference `json:"VpcId"`
	Ingress     []ingress `json:"SecurityGroupIngress,omitempty"`
	Tags        []tag     `json:"Tags,omitempty"`
}

// ingress is a rule of a group, or, with a GroupID, one that is added to it.
type ingress struct {
	GroupID       *reference `json:"GroupId,omitempty"`
	Protocol      string     `json:"IpProtocol"`
	FromPort      *int       `json:"FromPort,omitempty"`
	ToPort        *int       `json:"ToPort,omitempty"`
	CIDR          string     `json:"CidrIp,omitempty"`
	SourceGroupID *reference `json:"SourceSecurityGroupId,omitempty"`
	Description   string     `json:"Description"`
}

type egress struct {
	GroupID     *reference `json:"GroupId"`
	Protocol    string     `json:"IpProtocol"`
	FromPort    *int       `json:"FromPort,omitempty"`
	ToPort      *int       `json:"ToPort,omitempty"`
	ToGroupID   *reference `json:"DestinationSecurityGroupId"`
	Description string     `json:"Description"`
}

type iamRole struct {
	Name     string   `json:"RoleName"`
	Assume   policy   `json:"AssumeRolePolicyDocument"`
	Policies []string `json:"ManagedPolicyArns"`
}

type policy struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Effect    string            `json:"Effect"`
	Principal map[string]string `json:"Principal"`
	Action    []string          `json:"Action"`
}

type accessEntry struct {
	ClusterName  string         `json:"ClusterName"`
	PrincipalARN reference      `json:"PrincipalArn"`
	Type         string         `json:"Type"`
	Policies     []accessPolicy `json:"AccessPolicies,omitempty"`
}

type accessPolicy struct {
	ARN   string            `json:"PolicyArn"`
	Scope map[string]string `json:"AccessScope"`
}

const routeTables = "PrivateRouteTableIds"

// builder collects the resources of a template. What eksctl made is imported by the names under which its stack exports it
// (eksctl: pkg/cfn/outputs/api.go).
type builder struct {
	needs
	t template
}

// cloudFormation is what eksctl leaves out: endpoints of the VPC, security groups of file systems and of EFA, and the role of the
// models' nodes by the name that the tree has.
func (n needs) cloudFormation() template {
	b := &builder{n, template{
		Version:     "2010-09-09",
		Description: "What the models need around cluster " + n.Name + ", by kservegen eks cluster.",
		Parameters: map[string]parameter{routeTables: {
			"CommaDelimitedList", "Route tables of the private subnets that eksctl made, for the endpoint of S3.",
		}},
		Resources: map[string]resource{}, Outputs: map[string]output{},
	}}
	b.addEndpoints()
	b.addFileSystems()
	if n.efa && !n.managed() { // eksctl makes one for the groups that it makes
		b.addEFA()
	}
	if n.Role != "" && n.Role != "eksctl-KarpenterNodeRole-"+n.Name && !n.managed() {
		b.addNodeRole()
	}
	return b.t
}

// exported is an output of eksctl's stack.
func (b *builder) exported(name string) reference {
	return reference{ImportValue: "eksctl-" + b.Name + "-cluster::" + name}
}

func (b *builder) vpc() reference { return b.exported("VPC") }

// nodesGroup is a security group that nodes have.
type nodesGroup struct {
	// name tells the rules with it from those with the other.
	name string
	id   reference
}

// nodes have one of two groups: those of managed node groups and of EKS Auto Mode's own pools that which EKS makes of a cluster,
// those that the classes of models choose by their tag that of eksctl (eksctl: pkg/vpc/importer.go, SecurityGroups).
func (b *builder) nodes() []nodesGroup {
	return []nodesGroup{{"Nodes", b.exported("SharedNodeSecurityGroup")}, {"ClusterNodes", b.exported("ClusterSecurityGroupId")}}
}

func (b *builder) add(name, kind string, properties any) {
	b.t.Resources[name] = resource{kind, properties}
}

func (b *builder) addEndpoints() {
	const group = "EndpointSecurityGroup"
	r := httpsRule()
	b.add(group, "AWS::EC2::SecurityGroup", securityGroup{
		Description: "VPC endpoints of " + b.Name, VpcID: b.vpc(),
		Ingress: []ingress{{Protocol: r.protocol, FromPort: &r.from, ToPort: &r.to, CIDR: b.CIDR, Description: r.why}},
	})
	b.add("S3Endpoint", "AWS::EC2::VPCEndpoint", vpcEndpoint{
		VpcID: b.vpc(), ServiceName: serviceName(b.Region, "s3"), Type: "Gateway", RouteTableIDs: &reference{Ref: routeTables},
	})
	for _, service := range b.endpoints() {
		b.add(logicalID(service)+"Endpoint", "AWS::EC2::VPCEndpoint", vpcEndpoint{
			VpcID: b.vpc(), ServiceName: serviceName(b.Region, service), Type: "Interface", PrivateDNSEnabled: true,
			SubnetIDs:        &reference{Split: []any{",", b.exported("SubnetsPrivate")}},
			SecurityGroupIDs: []reference{{GetAtt: []string{group, "GroupId"}}},
		})
	}
}

// serviceName of an endpoint. In China some begin with cn; S3's does not.
func serviceName(region, service string) string {
	name := "com.amazonaws." + region + "." + service
	if spec.Partition(region).ID == "aws-cn" && service != "s3" {
		name = "cn." + name
	}
	return name
}

// logicalID makes EcrApi of ecr.api.
func logicalID(name string) string {
	var id strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

func (b *builder) addFileSystems() {
	if b.fsx {
		const group = "FSxSecurityGroup"
		b.add(group, "AWS::EC2::SecurityGroup", securityGroup{Description: "FSx for Lustre of " + b.Name, VpcID: b.vpc()})
		own := reference{GetAtt: []string{group, "GroupId"}}
		for _, r := range lustreRules() {
			id := group + logicalID(r.name)
			b.add(id+"FromItself", "AWS::EC2::SecurityGroupIngress", r.into(own, own))
			for _, nodes := range b.nodes() {
				b.add(id+"From"+nodes.name, "AWS::EC2::SecurityGroupIngress", r.into(own, nodes.id))
				b.add(id+"To"+nodes.name, "AWS::EC2::SecurityGroupIngress", r.into(nodes.id, own))
			}
		}
		b.t.Outputs["FSxSecurityGroupId"] = output{"For spec.model.volume.fsx.securityGroupIds, or the file system that exists.", own}
	}
	if b.efs {
		const group = "EFSSecurityGroup"
		b.add(group, "AWS::EC2::SecurityGroup", securityGroup{Description: "EFS of " + b.Name, VpcID: b.vpc()})
		own := reference{GetAtt: []string{group, "GroupId"}}
		for _, nodes := range b.nodes() {
			b.add(group+"From"+nodes.name, "AWS::EC2::SecurityGroupIngress", nfsRule().into(own, nodes.id))
		}
		b.t.Outputs["EFSSecurityGroupId"] = output{"For the file system's mount targets.", own}
	}
}

// into lets a group in from another.
func (r rule) into(group, from reference) ingress {
	in := ingress{GroupID: &group, Protocol: r.protocol, SourceGroupID: &from, Description: r.why}
	if r.protocol != allProtocols {
		in.FromPort, in.ToPort = &r.from, &r.to
	}
	return in
}

const allProtocols = "-1"

func (b *builder) addEFA() {
	const group = "EFASecurityGroup"
	b.add(group, "AWS::EC2::SecurityGroup", securityGroup{
		Description: "EFA of " + b.Name, VpcID: b.vpc(), Tags: []tag{{eks.DiscoveryTag, b.Name}},
	})
	own := reference{GetAtt: []string{group, "GroupId"}}
	r := efaRule()
	b.add(group+"In", "AWS::EC2::SecurityGroupIngress", r.into(own, own))
	b.add(group+"Out", "AWS::EC2::SecurityGroupEgress", egress{GroupID: &own, Protocol: r.protocol, ToGroupID: &own, Description: r.why})
}

// addNodeRole makes the role that the nodes' classes name. EC2 assumes it, and EKS lets it join.
// https://karpenter.sh/docs/reference/cloudformation/ and https://docs.aws.amazon.com/eks/latest/userguide/auto-create-node-role.html
func (b *builder) addNodeRole() {
	entry := accessEntry{ClusterName: b.Name, PrincipalARN: reference{GetAtt: []string{"NodeRole", "Arn"}}, Type: "EC2_LINUX"}
	names := []string{"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"}
	partition := spec.Partition(b.Region).ID
	if b.auto() {
		names = []string{"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}
		entry.Type = "EC2"
		entry.Policies = []accessPolicy{{
			"arn:" + partition + ":eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy", map[string]string{"Type": "cluster"},
		}}
	}
	role := iamRole{Name: b.Role, Assume: policy{"2012-10-17", []statement{{
		"Allow", map[string]string{"Service": "ec2.amazonaws.com"}, []string{"sts:AssumeRole"},
	}}}}
	for _, name := range names {
		role.Policies = append(role.Policies, "arn:"+partition+":iam::aws:policy/"+name)
	}
	b.add("NodeRole", "AWS::IAM::Role", role)
	b.add("NodeRoleAccess", "AWS::EKS::AccessEntry", entry)
}
