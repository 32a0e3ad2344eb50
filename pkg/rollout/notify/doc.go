// Package notify tells others by HTTP what a canary's runner does. Whoever does not listen holds nothing up: the runner goes on,
// and what could not be delivered is said once.
package notify
