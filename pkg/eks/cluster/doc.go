// Package cluster writes what makes a cluster on Amazon EKS for models, in the forms of the tools that make clusters: eksctl's
// ClusterConfig with a template of CloudFormation beside it, or Terraform with the modules of terraform-aws-modules.
package cluster
