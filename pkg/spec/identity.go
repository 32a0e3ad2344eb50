package spec

import (
	"fmt"
	"regexp"
	"strings"
)

// Identity is how the model's pods get an IAM role, and what that role may do. `kservegen eks identity` writes the role, its
// trust policy and its permissions; the tree has what of it is in Kubernetes.
type Identity struct {
	// Type irsa is IAM roles for service accounts, an annotation of the ServiceAccount. With pod-identity an association
	// outside of the tree does it, and the cluster has the EKS Pod Identity Agent. Default: irsa with roleArn, else
	// pod-identity.
	Type string `json:"type,omitempty" jsonschema:"enum=irsa,enum=pod-identity"`
	// Account is the AWS account's number, of 12 digits.
	Account string `json:"account,omitempty"`
	// OIDCProvider of the cluster for irsa, for example oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE.
	OIDCProvider string `json:"oidcProvider,omitempty"`
	// Role is the role's name. Default: <cluster>-<namespace>-<model>, or the end of roleArn.
	Role string `json:"role,omitempty"`
	// KMSKeyARN is the key that the bucket is encrypted with. Default: one of S3's own, which needs no permission.
	KMSKeyARN string `json:"kmsKeyArn,omitempty"`
}

// How pods get an IAM role.
const (
	IRSA        = "irsa"
	PodIdentity = "pod-identity"
)

var (
	accountID    = regexp.MustCompile(`^\d{12}$`)
	oidcProvider = regexp.MustCompile(`^oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[0-9A-Z]{1,64}$`)
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
	roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	kmsKey   = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+$`)
)

// AWSPartition is a part of AWS with accounts of its own.
type AWSPartition struct {
	// ID stands in ARNs, Domain at the end of hosts.
	ID, Domain string
}

// Partition that a region is in.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func Partition(region string) AWSPartition {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return AWSPartition{"aws-cn", "amazonaws.com.cn"}
	case strings.HasPrefix(region, "us-gov-"):
		return AWSPartition{"aws-us-gov", "amazonaws.com"}
	}
	return AWSPartition{"aws", "amazonaws.com"}
}

func (r *resolver) checkIdentity(eks *EKS) {
	const path = "spec.platform.eks.identity."
	id := eks.Identity
	if id == nil {
		return
	}
	def := PodIdentity
	if eks.RoleARN != "" {
		def = IRSA
	}
	r.enum(path+"type", &id.Type, def, IRSA, PodIdentity)
	r.identityRole(eks, id)
	if id.Type == PodIdentity && eks.RoleARN != "" {
		r.failf("spec.platform.eks.roleArn", "annotates the ServiceAccount for irsa, whose credentials SDKs take before those of pod-identity (spec.platform.eks.identity.type); leave it out")
	}
	switch {
	case id.Type == PodIdentity && id.OIDCProvider != "":
		r.failf(path+"oidcProvider", "is for irsa; with pod-identity EKS itself assumes the role")
	case id.Type == IRSA && id.OIDCProvider == "":
		r.failf(path+"oidcProvider", "is missing; aws eks describe-cluster --query cluster.identity.oidc.issuer shows it, without https://")
	case id.OIDCProvider != "" && !oidcProvider.MatchString(id.OIDCProvider):
		r.failf(path+"oidcProvider", "want oidc.eks.<region>.amazonaws.com/id/<id>, without https://, got %q", id.OIDCProvider)
	}
	if eks.Region == "" {
		r.failf("spec.platform.eks.region", "is missing; the role's conditions name it (spec.platform.eks.identity)")
	}
	if eks.Cluster == "" {
		r.failf("spec.platform.eks.cluster", "is missing; the role is for this cluster's pods alone (spec.platform.eks.identity)")
	}
	if id.KMSKeyARN != "" && !kmsKey.MatchString(id.KMSKeyARN) {
		r.failf(path+"kmsKeyArn", "want arn:aws:kms:<region>:<account>:key/<id>; an alias is no resource of a policy; got %q", id.KMSKeyARN)
	}
}

// identityRole fills in the account and the name of the role, and for irsa the role's ARN, of which the ServiceAccount is told.
func (r *resolver) identityRole(eks *EKS, id *Identity) {
	const path = "spec.platform.eks.identity."
	named := strings.Split(eks.RoleARN, ":")
	if len(named) == 6 && roleARN.MatchString(eks.RoleARN) {
		r.same(path+"account", &id.Account, named[4], eks.RoleARN)
		r.same(path+"role", &id.Role, named[5][strings.LastIndex(named[5], "/")+1:], eks.RoleARN)
	}
	if !accountID.MatchString(id.Account) {
		r.failf(path+"account", "want the account's number of 12 digits, got %q", id.Account)
	}
	if id.Role == "" {
		id.Role = strings.Join([]string{eks.Cluster, r.m.Namespace, r.m.Name}, "-")
	}
	if !roleName.MatchString(id.Role) {
		r.failf(path+"role", "want up to 64 letters, digits and +=,.@_-, got %q", id.Role)
	}
	if id.Type == IRSA && eks.RoleARN == "" {
		eks.RoleARN = fmt.Sprintf("arn:%s:iam::%s:role/%s", Partition(eks.Region).ID, id.Account, id.Role)
	}
}

// same fills in what a role's ARN says, and wants no other.
func (r *resolver) same(path string, value *string, want, arn string) {
	if *value != "" && *value != want {
		r.failf(path, "%q is not that of spec.platform.eks.roleArn, %s", *value, arn)
	}
	*value = want
}

// checkBucket wants a bucket and a prefix that mean themselves in the role's policy.
func (r *resolver) checkBucket() {
	if eks := r.spec.Platform.EKS; eks == nil || eks.Identity == nil {
		return
	}
	bucket, ok := r.spec.Model.Bucket()
	if ok && (bucket.Name == "" || strings.ContainsAny(bucket.Name+bucket.Prefix, "*?$")) {
		r.failf("spec.model.source", "want s3://<bucket>/<prefix> without *, ? and $, which mean more than themselves in the policy of the role (spec.platform.eks.identity)")
	}
}
