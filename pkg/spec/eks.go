package spec

import (
	"fmt"
	"slices"
	"strings"
)

// EKS is Amazon EKS.
type EKS struct {
	// Cluster is its name, by which the account's subnets, security groups and roles are found.
	Cluster string `json:"cluster,omitempty"`
	// RoleARN of the IAM role that reads the weights (IAM roles for service accounts).
	RoleARN string `json:"roleArn,omitempty"`
	// Region of the bucket, and of the cluster where that is named.
	Region string `json:"region,omitempty"`
	// Zones that the nodes may be in, for example us-east-1a. Default: every zone of the cluster's subnets.
	Zones []string `json:"zones,omitempty"`
	// Version of Kubernetes that `kservegen eks cluster` asks for. Default: 1.35.
	Version string `json:"version,omitempty"`
	// KMSKeyARN of the key that encrypts the cluster's Secrets. Default: EKS' own encryption.
	KMSKeyARN string `json:"kmsKeyArn,omitempty"`
	// IPFamily is ipv4 or ipv6: of which kind the pods' addresses are. With ipv6 the servers listen on them, the load balancer has
	// them for targets, and pods may ask EKS Pod Identity at its address of IPv6, too. Default: ipv4.
	IPFamily string `json:"ipFamily,omitempty" jsonschema:"enum=ipv4,enum=ipv6"`
	// Network around the cluster.
	Network *EKSNetwork `json:"network,omitempty"`
	// Nodes asks for nodes of the models' own, which `render --shared` writes. Default: nodes are there.
	Nodes *EKSNodes `json:"nodes,omitempty"`
	// Identity is how the model's pods get an IAM role that reads the weights. Default: none but that of roleArn.
	Identity *Identity `json:"identity,omitempty"`
}

func (r *resolver) checkEKS() {
	const path = "spec.platform.eks."
	eks := r.spec.Platform.EKS
	if eks == nil {
		return
	}
	if eks.Cluster != "" && !clusterName.MatchString(eks.Cluster) {
		r.failf(path+"cluster", "want letters, digits, - and _, 100 of them at most and a letter or a digit first, got %q", eks.Cluster)
	}
	if eks.RoleARN != "" && !roleARN.MatchString(eks.RoleARN) {
		r.failf(path+"roleArn", "want arn:aws:iam::<12 digits>:role/<name>, got %q", eks.RoleARN)
	}
	if eks.Region != "" && eks.RoleARN == "" && eks.Cluster == "" && !r.readsRegion() {
		r.failf(path+"region", "is read beside roleArn or cluster only; with EKS Pod Identity KServe takes the region from its ConfigMap (inferenceservice-config, credentials.s3)")
	}
	r.checkRegion(eks.Region)
	r.checkIPFamily(eks)
	r.checkZones(eks)
	r.checkCluster(eks)
	r.checkNetwork(eks)
	r.checkIdentity(eks)
}

// IPv6 is the family of the addresses of a cluster that has no others.
const IPv6 = "ipv6"

// checkIPFamily refuses what a cluster of IPv6 doesn't have.
// https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html
// https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
func (r *resolver) checkIPFamily(eks *EKS) {
	const path = "spec.platform.eks.ipFamily"
	if eks.IPFamily == "" {
		return
	}
	r.enum(path, &eks.IPFamily, "", "ipv4", IPv6)
	if eks.IPFamily != IPv6 {
		return
	}
	if strings.HasPrefix(eks.Region, "cn-") {
		r.failf(path, "EKS has no clusters of IPv6 in China's regions; leave it out")
	}
	if volume := r.spec.Model.Volume; volume != nil && volume.FSx != nil {
		r.failf(path, "FSx for Lustre can't be used in a cluster of IPv6; use another volume, or ipv4")
	}
	if r.spec.Runtime.Name == Simulator { // newListener in llm-d-inference-sim: pkg/llm-d-inference-sim
		r.failf(path, "the simulator listens on addresses of IPv4 alone, and pods of a cluster of IPv6 have none; use another runtime, or ipv4")
	}
}

// HasIPv6 reports that the addresses of pods are of IPv6 alone.
func (t Target) HasIPv6() bool { return t.Platform.EKS != nil && t.Platform.EKS.IPFamily == IPv6 }

// PodIdentityAgents are where pods of the target ask EKS Pod Identity for credentials, as CIDRs.
func (t Target) PodIdentityAgents() []string {
	switch {
	case t.Platform.EKS == nil:
		return nil
	case t.HasIPv6():
		return []string{PodIdentityAgent, PodIdentityAgentIPv6}
	}
	return []string{PodIdentityAgent}
}

func (r *resolver) checkZones(eks *EKS) {
	for i, zone := range eks.Zones {
		path := fmt.Sprintf("spec.platform.eks.zones[%d]", i)
		switch {
		case !zoneName.MatchString(zone):
			r.failf(path, "%q is not a zone such as us-east-1a", zone)
		case eks.Region != "" && !strings.HasPrefix(zone, eks.Region):
			r.failf(path, "%s is not in region %s", zone, eks.Region)
		case slices.Contains(eks.Zones[:i], zone):
			r.failf(path, "%s is there twice", zone)
		}
	}
}
