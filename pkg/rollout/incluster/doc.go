// Package incluster builds what takes a canary through its steps from within the cluster: a Job or a CronJob of kservegen itself,
// with the document, an identity that may do what a runner does and nothing else, and a way out to the
// ports alone on which those listen whom it asks.
package incluster
