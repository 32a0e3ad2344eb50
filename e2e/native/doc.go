// Package native holds only tests: whether pkg/schema judges the API server's own kinds as the server's own code does
// (e2e/tools/native), over mutants of what this repository ships and of richer objects.
package native
