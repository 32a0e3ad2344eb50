// Package queries holds only tests: what the engine of the cluster suite's Prometheus answers to the queries that kservegen
// writes. It is a module of its own: the key of the program that the cluster runs covers the pins beside it.
package queries
