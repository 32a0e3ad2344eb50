package cluster

// The part of eksctl's ClusterConfig that is used (eksctl: pkg/apis/eksctl.io/v1alpha5/types.go). The module itself is a command
// with AWS' SDKs; tests hold these types against its published JSON schema.

// Config is what eksctl makes a cluster of.
type Config struct {
	APIVersion        string             `json:"apiVersion"`
	Kind              string             `json:"kind"`
	Metadata          Meta               `json:"metadata"`
	AvailabilityZones []string           `json:"availabilityZones,omitempty"`
	VPC               VPC                `json:"vpc"`
	AccessConfig      AccessConfig       `json:"accessConfig"`
	IAM               IAM                `json:"iam"`
	Addons            []Addon            `json:"addons,omitempty"`
	AutoModeConfig    *AutoModeConfig    `json:"autoModeConfig,omitempty"`
	Karpenter         *Karpenter         `json:"karpenter,omitempty"`
	ManagedNodeGroups []ManagedNodeGroup `json:"managedNodeGroups,omitempty"`
	CloudWatch        CloudWatch         `json:"cloudWatch"`
	SecretsEncryption *SecretsEncryption `json:"secretsEncryption,omitempty"`
}

// Meta names the cluster.
type Meta struct {
	Name    string            `json:"name"`
	Region  string            `json:"region"`
	Version string            `json:"version"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// VPC of the cluster.
type VPC struct {
	CIDR              string    `json:"cidr"`
	NAT               NAT       `json:"nat"`
	ClusterEndpoints  Endpoints `json:"clusterEndpoints"`
	PublicAccessCIDRs []string  `json:"publicAccessCIDRs,omitempty"`
}

// NAT gateways: HighlyAvailable or Single.
type NAT struct {
	Gateway string `json:"gateway"`
}

// Endpoints of the API server.
type Endpoints struct {
	PrivateAccess bool `json:"privateAccess"`
	PublicAccess  bool `json:"publicAccess"`
}

// AccessConfig says who is who in the cluster.
type AccessConfig struct {
	AuthenticationMode string `json:"authenticationMode"`
}

// IAM of the cluster.
type IAM struct {
	WithOIDC                bool          `json:"withOIDC"`
	PodIdentityAssociations []Association `json:"podIdentityAssociations,omitempty"`
}

// Association gives a ServiceAccount's pods a role.
type Association struct {
	Namespace          string            `json:"namespace"`
	ServiceAccountName string            `json:"serviceAccountName"`
	WellKnownPolicies  WellKnownPolicies `json:"wellKnownPolicies"`
}

// WellKnownPolicies are permissions that eksctl knows by name.
type WellKnownPolicies struct {
	AutoScaler                bool `json:"autoScaler,omitempty"`
	AWSLoadBalancerController bool `json:"awsLoadBalancerController,omitempty"`
}

// Addon is one of EKS' own.
type Addon struct {
	Name                              string `json:"name"`
	ConfigurationValues               string `json:"configurationValues,omitempty"`
	UseDefaultPodIdentityAssociations bool   `json:"useDefaultPodIdentityAssociations,omitempty"`
}

// AutoModeConfig turns EKS Auto Mode on.
type AutoModeConfig struct {
	Enabled   bool     `json:"enabled"`
	NodePools []string `json:"nodePools"`
}

// Karpenter is installed by eksctl.
type Karpenter struct {
	Version                   string `json:"version"`
	CreateServiceAccount      bool   `json:"createServiceAccount"`
	WithSpotInterruptionQueue bool   `json:"withSpotInterruptionQueue"`
}

// ManagedNodeGroup is a group of nodes that EKS manages.
type ManagedNodeGroup struct {
	Name                  string               `json:"name"`
	AMIFamily             string               `json:"amiFamily"`
	InstanceTypes         []string             `json:"instanceTypes"`
	AvailabilityZones     []string             `json:"availabilityZones,omitempty"`
	MinSize               int                  `json:"minSize"`
	DesiredCapacity       int                  `json:"desiredCapacity"`
	MaxSize               int                  `json:"maxSize"`
	Spot                  bool                 `json:"spot,omitempty"`
	CapacityReservation   *CapacityReservation `json:"capacityReservation,omitempty"`
	InstanceMarketOptions *MarketOptions       `json:"instanceMarketOptions,omitempty"`
	EFAEnabled            bool                 `json:"efaEnabled,omitempty"`
	PrivateNetworking     bool                 `json:"privateNetworking"`
	VolumeSize            int64                `json:"volumeSize"`
	VolumeType            string               `json:"volumeType"`
	VolumeThroughput      int64                `json:"volumeThroughput,omitempty"`
	VolumeEncrypted       bool                 `json:"volumeEncrypted"`
	DisableIMDSv1         bool                 `json:"disableIMDSv1"`
	DisablePodIMDS        bool                 `json:"disablePodIMDS,omitempty"`
	PropagateASGTags      bool                 `json:"propagateASGTags,omitempty"`
	Labels                map[string]string    `json:"labels,omitempty"`
	Taints                []Taint              `json:"taints,omitempty"`
	// OverrideBootstrapCommand is a NodeConfig that goes before EKS' own (eksctl: pkg/nodebootstrap/al2023.go).
	OverrideBootstrapCommand string `json:"overrideBootstrapCommand,omitempty"`
}

// CapacityReservation is where a group's instances come from.
type CapacityReservation struct {
	Target ReservationTarget `json:"capacityReservationTarget"`
}

// ReservationTarget names a reservation.
type ReservationTarget struct {
	ID string `json:"capacityReservationID"`
}

// MarketOptions is capacity-block for Capacity Blocks.
type MarketOptions struct {
	MarketType string `json:"marketType"`
}

// Taint of a group's nodes.
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Effect string `json:"effect"`
}

// CloudWatch has the logs of the control plane.
type CloudWatch struct {
	ClusterLogging Logging `json:"clusterLogging"`
}

// Logging says which, and for how many days.
type Logging struct {
	EnableTypes        []string `json:"enableTypes"`
	LogRetentionInDays int      `json:"logRetentionInDays"`
}

// SecretsEncryption names the key of Secrets.
type SecretsEncryption struct {
	KeyARN string `json:"keyARN"`
}
