// Package karpenter holds only tests: what Karpenter's own code makes of rendered NodePools and of the pods of rendered trees.
// It runs against a real API server with its kwok provider, which takes Node objects for instances. Of the NodePool two fields
// are changed for it: the node class, which is another cloud's, and how long an empty node is kept. The tests stand in for the
// scheduler, which marks pods that fit no node and binds those that do, and for the kubelet, which says that a node is ready.
package karpenter
