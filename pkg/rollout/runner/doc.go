// Package runner takes a canary through the steps of its plan: each share stands until the gate passes it, and one that fails
// takes everything back at once.
//
// It keeps nothing. What it has to know is in the place where the shares are, so that a runner that was killed goes on from what
// the place says. It knows nothing of clusters, Git, Prometheus or the machine's clock.
package runner
