// Package lws builds LeaderWorkerSets, which make the groups of pods of replicas over several nodes without KServe. It is
// the only importer of sigs.k8s.io/lws.
package lws
