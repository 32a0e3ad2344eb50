// Package metrics reads from Prometheus what two revisions of a model did, block by block, for the gate.
package metrics
