package observe

import (
	"regexp"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// TestTargetIsTheSidecarsPort applies the relabelling as Prometheus does: anchored, first to last.
func TestTargetIsTheSidecarsPort(t *testing.T) {
	t.Parallel()
	monitor, ok := PodMonitor(spec.Target{Name: "m", Namespace: "llm"}).Typed.(*monitoringv1.PodMonitor)
	require.True(t, ok)
	endpoint := monitor.Spec.PodMetricsEndpoints[0]
	assert.Equal(t, "/stats/prometheus", endpoint.Path)
	for ip, want := range map[string]string{
		"10.1.2.3": "10.1.2.3:15020", "fd00::12": "[fd00::12]:15020", "2001:db8:0:0:0:0:0:1": "[2001:db8:0:0:0:0:0:1]:15020",
	} {
		address := ip + ":8080"
		for _, rule := range endpoint.RelabelConfigs {
			pattern := regexp.MustCompile("^(?:" + rule.Regex + ")$")
			if match := pattern.FindStringSubmatchIndex(ip); match != nil {
				address = string(pattern.ExpandString(nil, *rule.Replacement, ip, match))
			}
		}
		assert.Equal(t, want, address)
	}
}
