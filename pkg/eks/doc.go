// Package eks builds what models on Amazon EKS need beside Kubernetes' own objects: the nodes that they run on, by Karpenter,
// EKS Auto Mode, or managed node groups with the Cluster Autoscaler. Karpenter's types are written out here, as far as they are
// used: its modules bring the SDK of AWS along. pkg/schema has the CRDs that they are checked against.
package eks
