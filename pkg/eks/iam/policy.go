package iam

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
)

// version of the policy language.
const version = "2012-10-17"

// Policy is an IAM policy document.
type Policy struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// Statement of a policy document.
type Statement struct {
	Sid       string            `json:"Sid,omitempty"`
	Effect    string            `json:"Effect"`
	Principal map[string]string `json:"Principal,omitempty"`
	Action    []string          `json:"Action"`
	Resource  []string          `json:"Resource,omitempty"`
	// Condition is operator, key, values.
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// Subject is a ServiceAccount of a cluster whose pods get a role.
type Subject struct {
	// Type is spec.IRSA or spec.PodIdentity.
	Type string `json:"type"`
	// Account, Region and Cluster are those of the cluster; OIDCProvider is the cluster's, for spec.IRSA.
	Account      string `json:"account"`
	Region       string `json:"region"`
	Cluster      string `json:"cluster"`
	OIDCProvider string `json:"oidcProvider,omitempty"`
	// Namespace and ServiceAccount of the pods.
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
}

func (s Subject) arn(service, region, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", spec.Partition(s.Region).ID, service, region, s.Account, resource)
}

// trust lets one ServiceAccount of one cluster have the role, and nobody else. With Pod Identity the conditions are on the
// session's tags, which an association may turn off: then nobody gets the role.
// https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
func (s Subject) trust() Statement {
	if s.Type == spec.IRSA {
		return Statement{
			Effect:    allow,
			Principal: map[string]string{"Federated": s.arn("iam", "", "oidc-provider/"+s.OIDCProvider)},
			Action:    []string{"sts:AssumeRoleWithWebIdentity"},
			Condition: map[string]map[string][]string{"StringEquals": {
				s.OIDCProvider + ":aud": {"sts.amazonaws.com"},
				s.OIDCProvider + ":sub": {"system:serviceaccount:" + s.Namespace + ":" + s.ServiceAccount},
			}},
		}
	}
	return Statement{
		Effect:    allow,
		Principal: map[string]string{"Service": "pods.eks.amazonaws.com"},
		Action:    []string{"sts:AssumeRole", "sts:TagSession"},
		Condition: map[string]map[string][]string{"StringEquals": {
			"aws:RequestTag/eks-cluster-arn":            {s.arn("eks", s.Region, "cluster/"+s.Cluster)},
			"aws:RequestTag/kubernetes-namespace":       {s.Namespace},
			"aws:RequestTag/kubernetes-service-account": {s.ServiceAccount},
		}},
	}
}

const allow = "Allow"

// read lets a role read the objects under a prefix, and list their names. KServe's storage-initializer lists the prefix as it is
// written, so the name without a slash is allowed too; and it asks for the bucket before (head_bucket in _download_s3,
// python/storage/kserve_storage/kserve_storage.py). S3 takes that for s3:ListBucket without a prefix, and the same
// permission lists the names in the bucket, without their contents: there is no narrower one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func read(partition string, b spec.Bucket) []Statement {
	bucket := fmt.Sprintf("arn:%s:s3:::%s", partition, b.Name)
	under := strings.TrimPrefix(b.Prefix+"/*", "/")
	list := Statement{Sid: "ListWeights", Effect: allow, Action: []string{"s3:ListBucket"}, Resource: []string{bucket}}
	statements := []Statement{
		{Sid: "ReadWeights", Effect: allow, Action: []string{"s3:GetObject"}, Resource: []string{bucket + "/" + under}},
	}
	if b.Prefix == "" {
		return append(statements, list)
	}
	prefixes := []string{under}
	if b.Initializer {
		prefixes = append(prefixes, b.Prefix)
	}
	list.Condition = map[string]map[string][]string{"StringLike": {"s3:prefix": prefixes}}
	statements = append(statements, list)
	if b.Initializer {
		head := Statement{Sid: "HeadBucket", Effect: allow, Action: []string{"s3:ListBucket"}, Resource: []string{bucket}}
		head.Condition = map[string]map[string][]string{"Null": {"s3:prefix": {"true"}}}
		statements = append(statements, head)
	}
	return statements
}

// decrypt lets a role use the bucket's key, by S3 alone.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func decrypt(key string) Statement {
	region := strings.Split(key, ":")[3]
	return Statement{
		Sid: "DecryptWeights", Effect: allow, Action: []string{"kms:Decrypt"}, Resource: []string{key},
		Condition: map[string]map[string][]string{"StringEquals": {"kms:ViaService": {"s3." + region + "." + spec.Partition(region).Domain}}},
	}
}
