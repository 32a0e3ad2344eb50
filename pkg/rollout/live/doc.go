// Package live reads from a cluster what a model's revisions are doing there: their replicas, whether they answer and why
// not, and the share of requests that the routes give them. It only reads.
package live
