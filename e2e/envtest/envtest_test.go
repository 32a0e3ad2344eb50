package envtest

import (
	"testing"

	"github.com/kservegen/kservegen/pkg/effective"
)

// TestMain keeps the logs of KServe's code from standing between the tests' lines.
func TestMain(m *testing.M) {
	effective.DiscardLogs()
	m.Run()
}

// TestSchemas asks a server that has nothing but the CRDs.
func TestSchemas(t *testing.T) {
	t.Parallel()
	s := start(t, false)
	t.Run("trees", s.applyTwice)
	t.Run("gitops", s.applySynced)
	t.Run("refusals", s.refusals)
	t.Run("dry run", s.dryRun)
	t.Run("canary runner", s.canaryRunner)
	t.Run("oracle", s.schemaAgrees)
}

// TestWebhooks asks a server that asks KServe and Istio.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	t.Run("trees", s.applyTwice)
	t.Run("effective", s.effective) // of what the trees left
	t.Run("autoscaled", s.autoscaled)
	t.Run("status", s.status)
	t.Run("drift", s.driftIsSeen)
	t.Run("refusals", s.refusals)
	t.Run("fixtures", s.fixturesAreAccepted)
	t.Run("oracle", s.validateAgrees)
}
