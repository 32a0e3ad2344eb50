package network

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// The part of the SecurityGroupPolicy's type that is used (amazon-vpc-resource-controller-k8s:
// apis/vpcresources/v1beta1/securitygrouppolicy_types.go). The module has a controller's dependencies.
type securityGroupPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              policySpec `json:"spec"`
}

type policySpec struct {
	PodSelector    *metav1.LabelSelector `json:"podSelector,omitempty"`
	SecurityGroups groupIDs              `json:"securityGroups"`
}

type groupIDs struct {
	Groups []string `json:"groupIds"`
}

// SecurityGroupPolicy gives the model's pods security groups of their own, instead of those of their nodes.
// https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html
func SecurityGroupPolicy(t spec.Target) manifest.Object {
	policy := &securityGroupPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "vpcresources.k8s.aws/v1beta1", Kind: "SecurityGroupPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: t.Name, Namespace: t.Namespace, Labels: t.Labels(spec.ComponentSecurity)},
		Spec: policySpec{
			PodSelector:    &metav1.LabelSelector{MatchLabels: t.Selector()},
			SecurityGroups: groupIDs{Groups: t.PodSecurityGroups()},
		},
	}
	return manifest.Object{File: "securitygrouppolicy", Typed: policy, Comments: manifest.Comments{
		Head: "Security groups of the model's pods instead of those of their nodes, for pods that start from now on. They have to let in\nwhat the NetworkPolicy does, and the nodes' kubelet, and out to the cluster's DNS.",
		At:   map[string]string{"/spec/securityGroups": "The VPC CNI needs ENABLE_POD_ENI=true, and POD_SECURITY_GROUP_ENFORCING_MODE=standard for the NetworkPolicy\nto hold as well."},
	}}
}
