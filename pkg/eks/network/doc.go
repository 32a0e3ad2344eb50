// Package network builds what AWS makes networks of: the Service that a Network Load Balancer takes its targets from, and the
// security groups of pods.
package network
