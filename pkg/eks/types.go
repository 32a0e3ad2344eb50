package eks

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodePool is Karpenter's, karpenter.sh/v1, and that of EKS Auto Mode.
type NodePool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              NodePoolSpec `json:"spec"`
}

// NodePoolSpec is what a NodePool wants.
type NodePoolSpec struct {
	Template   NodeClaimTemplate   `json:"template"`
	Disruption Disruption          `json:"disruption"`
	Limits     corev1.ResourceList `json:"limits,omitempty"`
	Weight     int32               `json:"weight,omitempty"`
}

// NodeClaimTemplate is what every node of a pool has.
type NodeClaimTemplate struct {
	Metadata *TemplateMeta `json:"metadata,omitempty"`
	Spec     NodeClaimSpec `json:"spec"`
}

// TemplateMeta has the labels of every node of a pool.
type TemplateMeta struct {
	Labels map[string]string `json:"labels"`
}

// NodeClaimSpec is a node that is asked for.
type NodeClaimSpec struct {
	NodeClassRef NodeClassRef   `json:"nodeClassRef"`
	Requirements []Requirement  `json:"requirements"`
	Taints       []corev1.Taint `json:"taints,omitempty"`
	ExpireAfter  string         `json:"expireAfter,omitempty"`
}

// NodeClassRef names the class of a node, which is the cloud's.
type NodeClassRef struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

// Requirement wants one of the values of a node's label.
type Requirement struct {
	Key      string                      `json:"key"`
	Operator corev1.NodeSelectorOperator `json:"operator"`
	Values   []string                    `json:"values,omitempty"`
}

// Disruption says when nodes go of Karpenter's own accord.
type Disruption struct {
	ConsolidationPolicy string   `json:"consolidationPolicy"`
	ConsolidateAfter    string   `json:"consolidateAfter"`
	Budgets             []Budget `json:"budgets,omitempty"`
}

// Budget is how many nodes may go at once for a reason.
type Budget struct {
	Nodes   string   `json:"nodes"`
	Reasons []string `json:"reasons,omitempty"`
}

// EC2NodeClass is that of Karpenter's provider for AWS, karpenter.k8s.aws/v1.
type EC2NodeClass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              EC2NodeClassSpec `json:"spec"`
}

// EC2NodeClassSpec is how EC2 makes the nodes of a class.
type EC2NodeClassSpec struct {
	AMISelectorTerms                 []AMITerm            `json:"amiSelectorTerms"`
	Role                             string               `json:"role"`
	SubnetSelectorTerms              []TagTerm            `json:"subnetSelectorTerms"`
	SecurityGroupSelectorTerms       []TagTerm            `json:"securityGroupSelectorTerms"`
	CapacityReservationSelectorTerms []IDTerm             `json:"capacityReservationSelectorTerms,omitempty"`
	BlockDeviceMappings              []BlockDeviceMapping `json:"blockDeviceMappings,omitempty"`
	InstanceStorePolicy              string               `json:"instanceStorePolicy,omitempty"`
	MetadataOptions                  *MetadataOptions     `json:"metadataOptions,omitempty"`
	Tags                             map[string]string    `json:"tags,omitempty"`
}

// AMITerm chooses an image.
type AMITerm struct {
	Alias string `json:"alias"`
}

// TagTerm chooses what has all of the tags.
type TagTerm struct {
	Tags map[string]string `json:"tags"`
}

// IDTerm chooses by id.
type IDTerm struct {
	ID string `json:"id"`
}

// BlockDeviceMapping is a volume of a node.
type BlockDeviceMapping struct {
	DeviceName string `json:"deviceName"`
	EBS        EBS    `json:"ebs"`
	RootVolume bool   `json:"rootVolume,omitempty"`
}

// EBS is a volume of Amazon EBS.
type EBS struct {
	VolumeSize          string `json:"volumeSize"`
	VolumeType          string `json:"volumeType"`
	IOPS                int64  `json:"iops,omitempty"`
	Throughput          int64  `json:"throughput,omitempty"`
	Encrypted           bool   `json:"encrypted"`
	DeleteOnTermination bool   `json:"deleteOnTermination"`
}

// MetadataOptions are those of the instance metadata service.
type MetadataOptions struct {
	HTTPEndpoint            string `json:"httpEndpoint"`
	HTTPPutResponseHopLimit int64  `json:"httpPutResponseHopLimit"`
	HTTPTokens              string `json:"httpTokens"`
}

// NodeClass is that of EKS Auto Mode, eks.amazonaws.com/v1.
type NodeClass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              NodeClassSpec `json:"spec"`
}

// NodeClassSpec is how EKS Auto Mode makes the nodes of a class.
// https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
type NodeClassSpec struct {
	Role                             string            `json:"role"`
	SubnetSelectorTerms              []TagTerm         `json:"subnetSelectorTerms"`
	SecurityGroupSelectorTerms       []TagTerm         `json:"securityGroupSelectorTerms"`
	CapacityReservationSelectorTerms []IDTerm          `json:"capacityReservationSelectorTerms,omitempty"`
	EphemeralStorage                 EphemeralStorage  `json:"ephemeralStorage"`
	Tags                             map[string]string `json:"tags,omitempty"`
}

// EphemeralStorage is the volume that images and pods of a node share.
type EphemeralStorage struct {
	Size       string `json:"size"`
	IOPS       int64  `json:"iops,omitempty"`
	Throughput int64  `json:"throughput,omitempty"`
}
