package iam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Forms that a role can be written in.
const (
	FormPolicy         = "policy"
	FormCloudFormation = "cloudformation"
	FormTerraform      = "terraform"
	FormEksctl         = "eksctl"
	FormACK            = "ack"
)

// Forms lists them.
func Forms() []string {
	return []string{FormPolicy, FormCloudFormation, FormTerraform, FormEksctl, FormACK}
}

// Write gives the roles in one of the forms: JSON for policy, CloudFormation and Terraform, YAML for eksctl and ACK. All but
// policy are for one account, eksctl for one cluster; roles of several are an error.
func Write(form string, roles []Role) ([]byte, error) {
	if first, other := oneAccount(roles); form != FormPolicy && other != "" {
		return nil, fmt.Errorf("%s makes roles in one account, and the documents name %s and %s; choose a cluster of one of them (--cluster)", form, first, other)
	}
	if first, second := sameIdentifier(roles); first != "" && (form == FormCloudFormation || form == FormTerraform || form == FormACK) {
		return nil, fmt.Errorf("roles %s and %s get the same name in what %s reads, which has letters and digits only; rename one (platform.eks.identity.role)", first, second, form)
	}
	switch form {
	case FormPolicy:
		return manifest.IndentedJSON(map[string]any{"roles": roles})
	case FormCloudFormation:
		return manifest.IndentedJSON(cloudFormation(roles))
	case FormTerraform:
		return manifest.IndentedJSON(terraform(roles))
	case FormEksctl:
		config, err := eksctl(roles)
		if err != nil {
			return nil, err
		}
		return yaml.Marshal(config)
	case FormACK:
		return ack(roles)
	}
	return nil, fmt.Errorf("there is no form %q", form)
}

// oneAccount returns the account of the first role, and another's where they differ.
func oneAccount(roles []Role) (first, other string) {
	for _, r := range roles {
		if r.Account != roles[0].Account {
			return roles[0].Account, r.Account
		}
	}
	return "", ""
}

// line is a policy in one line, for what takes it as a string.
func line(p Policy) string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings, lists and maps of strings
	}
	return string(data)
}

// policyName of the permissions, which are a part of the role.
const policyName = "read-weights"

type object = map[string]any

// cloudFormation is a template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-eks-podidentityassociation.html
func cloudFormation(roles []Role) object {
	resources := object{}
	for _, r := range roles {
		id := identifier(r.Name, "")
		properties := object{
			"RoleName": r.Name, "AssumeRolePolicyDocument": r.Trust,
			"Policies": []object{{"PolicyName": policyName, "PolicyDocument": r.Permissions}},
		}
		r.setPath(properties, "Path")
		resources[id+"Role"] = object{"Type": "AWS::IAM::Role", "Properties": properties}
		for i, s := range associated(r) {
			resources[fmt.Sprintf("%sAssociation%d", id, i+1)] = object{"Type": "AWS::EKS::PodIdentityAssociation", "Properties": object{
				"ClusterName": s.Cluster, "Namespace": s.Namespace, "ServiceAccount": s.ServiceAccount,
				"RoleArn": object{"Fn::GetAtt": []string{id + "Role", "Arn"}},
			}}
		}
	}
	return object{"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
}

// setPath says the role's path, where it has one.
func (r Role) setPath(properties object, field string) {
	if r.Path != "" {
		properties[field] = r.Path
	}
}

// associated are the subjects that need an association.
func associated(r Role) []Subject {
	return slices.DeleteFunc(slices.Clone(r.Subjects), func(s Subject) bool { return s.Type != spec.PodIdentity })
}

// terraform is a file *.tf.json of the provider hashicorp/aws.
// https://developer.hashicorp.com/terraform/language/syntax/json
func terraform(roles []Role) object {
	all, policies, associations := object{}, object{}, object{}
	for _, r := range roles {
		id := identifier(r.Name, "_")
		role := object{"name": r.Name, "assume_role_policy": line(r.Trust)}
		r.setPath(role, "path")
		all[id] = role
		policies[id] = object{"name": policyName, "role": "${aws_iam_role." + id + ".id}", "policy": line(r.Permissions)}
		for i, s := range associated(r) {
			associations[fmt.Sprintf("%s_%d", id, i+1)] = object{
				"cluster_name": s.Cluster, "namespace": s.Namespace, "service_account": s.ServiceAccount,
				"role_arn": "${aws_iam_role." + id + ".arn}",
			}
		}
	}
	resources := object{"aws_iam_role": all, "aws_iam_role_policy": policies}
	if len(associations) > 0 {
		resources["aws_eks_pod_identity_association"] = associations
	}
	return object{"resource": resources}
}

// Eksctl is the section iam of eksctl's ClusterConfig (eksctl: pkg/apis/eksctl.io/v1alpha5/iam.go).
type Eksctl struct {
	WithOIDC                bool                `json:"withOIDC,omitempty"`
	ServiceAccounts         []EksctlAccount     `json:"serviceAccounts,omitempty"`
	PodIdentityAssociations []EksctlAssociation `json:"podIdentityAssociations,omitempty"`
}

// EksctlAccount is a role for a ServiceAccount, which the tree has: eksctl makes the role alone.
type EksctlAccount struct {
	Metadata     EksctlMetadata `json:"metadata"`
	RoleName     string         `json:"roleName"`
	RoleOnly     bool           `json:"roleOnly"`
	AttachPolicy Policy         `json:"attachPolicy"`
}

// EksctlMetadata names a ServiceAccount.
type EksctlMetadata struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// EksctlAssociation is a role with a Pod Identity association. eksctl writes the trust policy itself, without a condition.
type EksctlAssociation struct {
	Namespace          string `json:"namespace"`
	ServiceAccountName string `json:"serviceAccountName"`
	RoleName           string `json:"roleName"`
	PermissionPolicy   Policy `json:"permissionPolicy"`
}

// EksctlSection is what eksctl makes of the roles of one cluster. A role that several ServiceAccounts share is an error:
// eksctl makes one for each. So is one with a path, for which eksctl has no field.
func EksctlSection(roles []Role) (Eksctl, error) {
	var section Eksctl
	for _, r := range roles {
		if len(r.Subjects) > 1 {
			return Eksctl{}, fmt.Errorf("role %s is shared by %d ServiceAccounts, and eksctl makes a role for each; give each model its own (platform.eks.identity.role), or use another form", r.Name, len(r.Subjects))
		}
		if r.Path != "" {
			return Eksctl{}, fmt.Errorf("role %s has the path %s, and eksctl makes roles without one; leave the path out of platform.eks.roleArn, or use another form", r.Name, r.Path)
		}
		s := r.Subjects[0]
		if s.Type == spec.IRSA {
			section.WithOIDC = true
			section.ServiceAccounts = append(section.ServiceAccounts, EksctlAccount{
				EksctlMetadata{s.ServiceAccount, s.Namespace}, r.Name, true, r.Permissions,
			})
			continue
		}
		section.PodIdentityAssociations = append(section.PodIdentityAssociations, EksctlAssociation{s.Namespace, s.ServiceAccount, r.Name, r.Permissions})
	}
	return section, nil
}

func eksctl(roles []Role) (object, error) {
	section, err := EksctlSection(roles)
	if err != nil {
		return nil, err
	}
	first := roles[0].Subjects[0]
	for _, r := range roles {
		if s := r.Subjects[0]; s.Cluster != first.Cluster || s.Region != first.Region {
			return nil, fmt.Errorf("a ClusterConfig is of one cluster, and the documents name %s (%s) and %s (%s); choose one (--cluster)", first.Cluster, first.Region, s.Cluster, s.Region)
		}
	}
	return object{
		"apiVersion": "eksctl.io/v1alpha5", "kind": "ClusterConfig",
		"metadata": object{"name": first.Cluster, "region": first.Region}, "iam": section,
	}, nil
}

// ack are objects for the AWS Controllers for Kubernetes, those of IAM and of EKS
// (apis/v1alpha1 of aws-controllers-k8s/iam-controller and eks-controller).
func ack(roles []Role) ([]byte, error) {
	var objects []object
	for _, r := range roles {
		name := strings.ToLower(identifier(r.Name, "-")) // of an object, which has no capitals
		role := object{"name": r.Name, "assumeRolePolicyDocument": line(r.Trust), "inlinePolicies": object{policyName: line(r.Permissions)}}
		r.setPath(role, "path")
		objects = append(objects, object{
			"apiVersion": "iam.services.k8s.aws/v1alpha1", "kind": "Role", "spec": role,
			"metadata": object{"name": name, "namespace": r.Subjects[0].Namespace},
		})
		for _, s := range associated(r) {
			objects = append(objects, object{
				"apiVersion": "eks.services.k8s.aws/v1alpha1", "kind": "PodIdentityAssociation",
				"metadata": object{"name": s.ServiceAccount, "namespace": s.Namespace},
				"spec":     object{"clusterName": s.Cluster, "namespace": s.Namespace, "serviceAccount": s.ServiceAccount, "roleARN": r.ARN()},
			})
		}
	}
	var out bytes.Buffer
	for i, o := range objects {
		data, err := yaml.Marshal(o)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(data)
	}
	return out.Bytes(), nil
}
