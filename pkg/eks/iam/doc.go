// Package iam writes the IAM roles that models on EKS read their weights with: who may assume a role, what it may read, and both in
// the forms of the tools that people make roles with. Nothing of it is a part of a tree.
package iam
