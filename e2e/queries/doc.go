// Package queries holds only tests: what the engine of the cluster suite's Prometheus answers to the queries that kservegen
// writes, of autoscalers, alerts and dashboards. It is a module of its own: the key of the program that the cluster runs covers the
// pins beside it.
//
// Alerts are tested as promtool tests them, by the same packages: each has a situation in which it fires, and one that is near and in
// which it doesn't. The series of vLLM are written as its releases export them; testdata has what the simulator really exported.
package queries
