package rule_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func TestOneEdit(t *testing.T) {
	t.Parallel()
	for _, near := range []string{"istio-systems", "istio-sysem", "istio-sysyem", "itsio-system", "stio-system"} {
		assert.Truef(t, rule.OneEdit(near, "istio-system"), near)
	}
	for _, far := range []string{"istio-system", "istio-system2", "2istio-system", "istio-systemic", "istio", ""} {
		assert.Falsef(t, rule.OneEdit(far, "istio-system"), far)
	}
}

func TestSlip(t *testing.T) {
	t.Parallel()
	assert.True(t, rule.Slip("chat-uix", "chat-ui"))
	assert.True(t, rule.Slip("caht-ui", "chat-ui"))
	assert.False(t, rule.Slip("team-a", "team-b"), "two teams")
	assert.False(t, rule.Slip("llm", "llms"), "too short")
	assert.False(t, rule.Slip("chat-ui", "chat-ui"))
}
