package spec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// loaded is the only environment of a document with these lines in spec.
func loaded(t *testing.T, lines ...string) spec.Target {
	t.Helper()
	deployments, err := spec.Load("d.yaml", strings.NewReader(named("name: a", lines...)))
	require.NoError(t, err)
	return deployments[0].Environments[0]
}

func TestHoursHaveATimeZone(t *testing.T) {
	t.Parallel()
	target := loaded(t, "replicas: {min: 1, max: 4}", "scaling: {type: keda, schedule: [{start: 0 7 * * 1-5, end: 0 19 * * MON-FRI, min: 4}]}")
	assert.Equal(t, []spec.Hours{{Timezone: "UTC", Start: "0 7 * * 1-5", End: "0 19 * * MON-FRI", Min: 4}}, target.Scaling.Schedule)
	assert.False(t, target.AdapterRules())
}

func TestAdapterRulesAreForHPA(t *testing.T) {
	t.Parallel()
	assert.True(t, loaded(t, "replicas: {min: 1, max: 4}", "scaling: {adapterRules: true}").AdapterRules())
	assert.False(t, loaded(t, "replicas: {min: 1, max: 4}").AdapterRules())
}

// TestLoadBalancerIsPatient: silence is cut after the longest of what the models of a gateway say, and what AWS fixes.
func TestLoadBalancerIsPatient(t *testing.T) {
	t.Parallel()
	const exposed = "expose: {hosts: [a.example.com], gateway: istio-ingress/llm}"
	balanced := func(fields string, more ...string) spec.Target {
		return loaded(t, append([]string{exposed, "platform: {eks: {network: {loadBalancer: {" + fields + "}}}}"}, more...)...)
	}
	for name, test := range map[string]struct {
		targets []spec.Target
		want    time.Duration
	}{
		"no load balancer":     {[]spec.Target{loaded(t, exposed)}, 0},
		"usually":              {[]spec.Target{balanced("")}, time.Hour},
		"as one says":          {[]spec.Target{balanced("idleTimeout: 10m")}, 10 * time.Minute},
		"the longest":          {[]spec.Target{balanced("idleTimeout: 10m"), balanced("idleTimeout: 20m"), loaded(t, exposed)}, 20 * time.Minute},
		"as long as an answer": {[]spec.Target{balanced("", "runtime: {drainTimeout: 90m}")}, 90 * time.Minute},
		"TLS has ended":        {[]spec.Target{balanced(`certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1"`)}, 350 * time.Second},
	} {
		assert.Equal(t, test.want, spec.Idle(test.targets), name)
	}
}

// TestAutoModesLoadBalancer: AWS promises no idle timeout there, which is told and no error.
func TestAutoModesLoadBalancer(t *testing.T) {
	t.Parallel()
	remarks := func(provisioner, fields string) []string {
		var messages []string
		for _, remark := range load(t, document("expose: {hosts: [a.example.com], gateway: istio-ingress/llm}", "runtime: {drainTimeout: 5m}",
			"platform: {eks: {cluster: llm, nodes: {provisioner: "+provisioner+"}, network: {loadBalancer: {"+fields+"}}}}")).Remarks {
			messages = append(messages, remark.Message)
		}
		return messages
	}
	if told := remarks("auto", ""); assert.Len(t, told, 1) {
		assert.Contains(t, told[0], "cut a connection that is silent for 5m50s")
	}
	assert.Empty(t, remarks("karpenter", ""))
	assert.Empty(t, remarks("auto", `certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1"`), "it has 350 s anyway")
}
