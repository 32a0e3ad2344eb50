package cluster

// The part of Terraform's JSON syntax and of the modules' variables that is used.
// https://developer.hashicorp.com/terraform/language/syntax/json
// https://github.com/terraform-aws-modules/terraform-aws-eks/blob/v21.19.0/variables.tf and modules/karpenter/variables.tf
// https://github.com/terraform-aws-modules/terraform-aws-vpc/blob/v6.6.0/variables.tf and modules/vpc-endpoints/variables.tf
// https://github.com/terraform-aws-modules/terraform-aws-eks-pod-identity/blob/v2.8.1/variables.tf

// The versions of the modules, and the least that these want of Terraform and of the provider.
const (
	eksModuleVersion         = "21.19.0"
	vpcModuleVersion         = "6.6.0"
	podIdentityModuleVersion = "2.8.1"
	leastTerraform           = ">= 1.5.7"
	leastProvider            = ">= 6.28"
)

type configuration struct {
	Comment   string                     `json:"//"`
	Terraform terraformBlock             `json:"terraform"`
	Provider  map[string]provider        `json:"provider"`
	Data      *dataSources               `json:"data,omitempty"`
	Module    modules                    `json:"module"`
	Resource  *resources                 `json:"resource,omitempty"`
	Output    map[string]terraformOutput `json:"output"`
}

type terraformBlock struct {
	RequiredVersion   string                      `json:"required_version"`
	RequiredProviders map[string]requiredProvider `json:"required_providers"`
}

type requiredProvider struct {
	Source  string `json:"source"`
	Version string `json:"version"`
}

type provider struct {
	Region string `json:"region"`
}

type dataSources struct {
	Zones map[string]zonesData `json:"aws_availability_zones"`
}

type zonesData struct {
	Filter []filter `json:"filter"`
}

type filter struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

type terraformOutput struct {
	Description string `json:"description"`
	Value       string `json:"value"`
}

type modules struct {
	VPC                    vpcModule          `json:"vpc"`
	EKS                    eksModule          `json:"eks"`
	Endpoints              endpointsModule    `json:"vpc_endpoints"`
	Karpenter              *karpenterModule   `json:"karpenter,omitempty"`
	LoadBalancerController *podIdentityModule `json:"aws_load_balancer_controller,omitempty"`
	ClusterAutoscaler      *podIdentityModule `json:"cluster_autoscaler,omitempty"`
	FSxDriver              *podIdentityModule `json:"aws_fsx_csi_driver,omitempty"`
	EFSDriver              *podIdentityModule `json:"aws_efs_csi_driver,omitempty"`
	EBSDriver              *podIdentityModule `json:"aws_ebs_csi_driver,omitempty"`
}

type vpcModule struct {
	Source  string `json:"source"`
	Version string `json:"version"`

	Name string `json:"name"`
	CIDR string `json:"cidr"`
	// AZs are zones, or an expression.
	AZs                any               `json:"azs"`
	PrivateSubnets     []string          `json:"private_subnets"`
	PublicSubnets      []string          `json:"public_subnets"`
	EnableNATGateway   bool              `json:"enable_nat_gateway"`
	SingleNATGateway   bool              `json:"single_nat_gateway"`
	OneNATGatewayPerAZ bool              `json:"one_nat_gateway_per_az"`
	PrivateSubnetTags  map[string]string `json:"private_subnet_tags"`
	PublicSubnetTags   map[string]string `json:"public_subnet_tags"`
}

type eksModule struct {
	Source  string `json:"source"`
	Version string `json:"version"`

	Name                      string               `json:"name"`
	KubernetesVersion         string               `json:"kubernetes_version"`
	VPCID                     string               `json:"vpc_id"`
	SubnetIDs                 string               `json:"subnet_ids"`
	EndpointPublicAccess      bool                 `json:"endpoint_public_access"`
	EndpointPublicAccessCIDRs []string             `json:"endpoint_public_access_cidrs,omitempty"`
	IAMRoleName               string               `json:"iam_role_name,omitempty"`
	CreatorIsAdmin            bool                 `json:"enable_cluster_creator_admin_permissions"`
	ClusterRolePolicies       map[string]string    `json:"iam_role_additional_policies,omitempty"`
	EnableIRSA                bool                 `json:"enable_irsa"`
	LogTypes                  []string             `json:"enabled_log_types"`
	LogDays                   int                  `json:"cloudwatch_log_group_retention_in_days"`
	CreateKMSKey              bool                 `json:"create_kms_key"`
	EncryptionConfig          *encryptionConfig    `json:"encryption_config,omitempty"`
	Addons                    map[string]tfAddon   `json:"addons"`
	ComputeConfig             *computeConfig       `json:"compute_config,omitempty"`
	NodeIAMRoleName           string               `json:"node_iam_role_name,omitempty"`
	NodeIAMRoleUseNamePrefix  *bool                `json:"node_iam_role_use_name_prefix,omitempty"`
	NodeGroups                map[string]nodeGroup `json:"eks_managed_node_groups,omitempty"`
	NodeSecurityGroupRules    map[string]nodeRule  `json:"node_security_group_additional_rules"`
	NodeSecurityGroupTags     map[string]string    `json:"node_security_group_tags"`
}

type encryptionConfig struct {
	ProviderKeyARN string   `json:"provider_key_arn"`
	Resources      []string `json:"resources"`
}

type tfAddon struct {
	BeforeCompute       bool   `json:"before_compute,omitempty"`
	ConfigurationValues string `json:"configuration_values,omitempty"`
}

type computeConfig struct {
	Enabled   bool     `json:"enabled"`
	NodePools []string `json:"node_pools"`
}

type nodeGroup struct {
	// UseNamePrefix false has the group called what the Cluster Autoscaler's priorities call it.
	UseNamePrefix *bool `json:"use_name_prefix,omitempty"`
	// IAMRoleName begins the role's name.
	IAMRoleName string `json:"iam_role_name,omitempty"`

	AMIType               string                 `json:"ami_type"`
	LatestRelease         *bool                  `json:"use_latest_ami_release_version,omitempty"`
	InstanceTypes         []string               `json:"instance_types"`
	CapacityType          string                 `json:"capacity_type"`
	SubnetIDs             []string               `json:"subnet_ids,omitempty"`
	MinSize               int                    `json:"min_size"`
	MaxSize               int                    `json:"max_size"`
	DesiredSize           int                    `json:"desired_size"`
	BlockDeviceMappings   map[string]blockDevice `json:"block_device_mappings"`
	CapacityReservation   *tfReservation         `json:"capacity_reservation_specification,omitempty"`
	InstanceMarketOptions *tfMarketOptions       `json:"instance_market_options,omitempty"`
	EnableEFASupport      bool                   `json:"enable_efa_support,omitempty"`
	Labels                map[string]string      `json:"labels,omitempty"`
	Taints                map[string]tfTaint     `json:"taints,omitempty"`
	MetadataOptions       tfMetadataOptions      `json:"metadata_options"`
	CloudinitPreNodeadm   []cloudinitPart        `json:"cloudinit_pre_nodeadm,omitempty"`
}

// cloudinitPart is a part of the user data of a launch template.
type cloudinitPart struct {
	Content     string `json:"content"`
	ContentType string `json:"content_type"`
}

type blockDevice struct {
	DeviceName string `json:"device_name"`
	EBS        ebs    `json:"ebs"`
}

type ebs struct {
	VolumeSize          int64  `json:"volume_size"`
	VolumeType          string `json:"volume_type"`
	Throughput          int64  `json:"throughput,omitempty"`
	Encrypted           bool   `json:"encrypted"`
	DeleteOnTermination bool   `json:"delete_on_termination"`
}

type tfReservation struct {
	Target tfReservationTarget `json:"capacity_reservation_target"`
}

type tfReservationTarget struct {
	ID string `json:"capacity_reservation_id"`
}

type tfMarketOptions struct {
	MarketType string `json:"market_type"`
}

type tfTaint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

type tfMetadataOptions struct {
	HTTPEndpoint string `json:"http_endpoint"`
	HTTPTokens   string `json:"http_tokens"`
	HopLimit     int    `json:"http_put_response_hop_limit"`
}

type nodeRule struct {
	Description   string `json:"description"`
	Protocol      string `json:"protocol"`
	FromPort      int    `json:"from_port"`
	ToPort        int    `json:"to_port"`
	Type          string `json:"type"`
	Self          bool   `json:"self,omitempty"`
	FromCluster   bool   `json:"source_cluster_security_group,omitempty"`
	SourceGroupID string `json:"source_security_group_id,omitempty"`
}

type endpointsModule struct {
	Source  string `json:"source"`
	Version string `json:"version"`

	VPCID               string                  `json:"vpc_id"`
	SubnetIDs           string                  `json:"subnet_ids"`
	CreateSecurityGroup bool                    `json:"create_security_group"`
	SecurityGroupName   string                  `json:"security_group_name"`
	Description         string                  `json:"security_group_description"`
	Rules               map[string]endpointRule `json:"security_group_rules"`
	Endpoints           map[string]tfEndpoint   `json:"endpoints"`
}

type endpointRule struct {
	Description string   `json:"description"`
	CIDRBlocks  []string `json:"cidr_blocks"`
}

type tfEndpoint struct {
	Service           string `json:"service"`
	ServiceType       string `json:"service_type,omitempty"`
	RouteTableIDs     string `json:"route_table_ids,omitempty"`
	PrivateDNSEnabled bool   `json:"private_dns_enabled,omitempty"`
}

type karpenterModule struct {
	Source  string `json:"source"`
	Version string `json:"version"`

	ClusterName              string `json:"cluster_name"`
	NodeIAMRoleName          string `json:"node_iam_role_name"`
	NodeIAMRoleUseNamePrefix bool   `json:"node_iam_role_use_name_prefix"`
	QueueName                string `json:"queue_name"`
}

type podIdentityModule struct {
	Source  string `json:"source"`
	Version string `json:"version"`

	Name                   string                   `json:"name"`
	LoadBalancerController bool                     `json:"attach_aws_lb_controller_policy,omitempty"`
	ClusterAutoscaler      bool                     `json:"attach_cluster_autoscaler_policy,omitempty"`
	AutoscalerClusters     []string                 `json:"cluster_autoscaler_cluster_names,omitempty"`
	FSx                    bool                     `json:"attach_aws_fsx_lustre_csi_policy,omitempty"`
	EFS                    bool                     `json:"attach_aws_efs_csi_policy,omitempty"`
	EBS                    bool                     `json:"attach_aws_ebs_csi_policy,omitempty"`
	Associations           map[string]tfAssociation `json:"associations"`
}

type tfAssociation struct {
	ClusterName    string `json:"cluster_name"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"service_account"`
}

type resources struct {
	Groups  map[string]tfSecurityGroup `json:"aws_security_group,omitempty"`
	Ingress map[string]tfRule          `json:"aws_vpc_security_group_ingress_rule,omitempty"`
	Egress  map[string]tfRule          `json:"aws_vpc_security_group_egress_rule,omitempty"`
	ASGTags map[string]asgTag          `json:"aws_autoscaling_group_tag,omitempty"`
}

type tfSecurityGroup struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	VPCID       string            `json:"vpc_id"`
	Tags        map[string]string `json:"tags,omitempty"`
}

type tfRule struct {
	GroupID    string `json:"security_group_id"`
	Referenced string `json:"referenced_security_group_id"`
	Protocol   string `json:"ip_protocol"`
	// FromPort and ToPort are left out where the protocol is all.
	FromPort    int    `json:"from_port,omitempty"`
	ToPort      int    `json:"to_port,omitempty"`
	Description string `json:"description"`
}

type asgTag struct {
	Group string     `json:"autoscaling_group_name"`
	Tag   asgTagBody `json:"tag"`
}

type asgTagBody struct {
	Key               string `json:"key"`
	Value             string `json:"value"`
	PropagateAtLaunch bool   `json:"propagate_at_launch"`
}
