package observe

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/pkg/spec"
)

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}
  accelerator: {type: a10g}
`

// target is that of the only environment of a document with more in its spec.
func target(t *testing.T, more string) spec.Target {
	t.Helper()
	deployments, err := spec.Load("document.yaml", strings.NewReader(document+more))
	require.NoError(t, err)
	return deployments[0].Environments[0]
}

func rulesOf(t *testing.T, target spec.Target) []monitoringv1.Rule {
	t.Helper()
	object, ok := PrometheusRule(target).Typed.(*monitoringv1.PrometheusRule)
	require.True(t, ok)
	var rules []monitoringv1.Rule
	for _, group := range object.Spec.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

func expressionOf(t *testing.T, rules []monitoringv1.Rule, name string) string {
	t.Helper()
	for _, rule := range rules {
		if rule.Alert == name || rule.Record == name {
			return rule.Expr.StrVal
		}
	}
	require.Failf(t, "no such rule", "%s", name)
	return ""
}

// TestEveryRuleIsExplained: each alert has a part of docs/watching.md, where its runbook_url leads, and each recorded series a line.
func TestEveryRuleIsExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/watching.md")
	require.NoError(t, err)
	headings := regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(string(page), -1)
	explained := map[string]bool{}
	for _, heading := range headings {
		explained[heading[1]] = true
	}
	rendered := map[string]bool{}
	for _, rule := range rulesOf(t, target(t, "  monitoring: {alerts: {}}\n")) {
		if rule.Record != "" {
			assert.Contains(t, string(page), "`"+rule.Record+"`")
			continue
		}
		rendered[rule.Alert] = true
		assert.Equal(t, "https://github.com/kservegen/kservegen/blob/main/docs/watching.md#"+strings.ToLower(rule.Alert), rule.Annotations["runbook_url"])
	}
	assert.Equal(t, rendered, explained)
}

func TestAlertsSayWhatTheDocumentSays(t *testing.T) {
	t.Parallel()
	rules := rulesOf(t, target(t, `  monitoring:
    labels: {release: stack}
    alerts: {slo: {ttft: 10s, itl: 25ms, latency: 99.9, availability: 99.95}, labels: {team: llm}, runbook: "https://runbooks.example.com/llm/"}
`))
	assert.Contains(t, expressionOf(t, rules, firstLateRate), `le=~"10(\\.0)?"`)
	assert.Contains(t, expressionOf(t, rules, tokensLateRate), `le="0.025"`)
	assert.Contains(t, expressionOf(t, rules, "LLMTimeToFirstTokenBurn"), "> 14.4 * 0.001\n", "without the noise of binary fractions")
	assert.Contains(t, expressionOf(t, rules, "LLMAvailabilityBurn"), "> 6 * 0.0005\n")
	for _, rule := range rules {
		if rule.Alert != "" {
			assert.Equal(t, "llm", rule.Labels["team"])
			assert.Equal(t, "https://runbooks.example.com/llm/"+rule.Alert, rule.Annotations["runbook_url"])
		}
	}
	watched := target(t, "  monitoring: {labels: {release: stack}, alerts: {}}\n")
	monitor, ok := PodMonitor(watched).Typed.(*monitoringv1.PodMonitor)
	require.True(t, ok)
	rule, ok := PrometheusRule(watched).Typed.(*monitoringv1.PrometheusRule)
	require.True(t, ok)
	assert.Equal(t, "stack", monitor.Labels["release"])
	assert.Equal(t, monitor.Labels, rule.Labels)
}

// TestRevisionsOfTwoReleases are asked for by both names.
func TestRevisionsOfTwoReleases(t *testing.T) {
	t.Parallel()
	const two = `  monitoring: {alerts: {}}
  revisions: [{name: v1, runtime: {version: v0.9.0}}, {name: v2}]
  traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]
`
	assert.Contains(t, expressionOf(t, rulesOf(t, target(t, two)), "LLMCacheFull"),
		`(vllm:kv_cache_usage_perc{namespace="llm", kservegen_dev_model="m"} or vllm:gpu_cache_usage_perc{namespace="llm", kservegen_dev_model="m"})`)
	assert.NotContains(t, expressionOf(t, rulesOf(t, target(t, "  monitoring: {alerts: {}}\n")), "LLMCacheFull"), " or ")
}

// TestWhatSleepsIsNotBlamed: a revision that goes to zero has no part in what no pod answered.
func TestWhatSleepsIsNotBlamed(t *testing.T) {
	t.Parallel()
	const scaled = "  monitoring: {alerts: {}}\n  scaling: {type: keda}\n  expose: {hosts: [llm.example.com], gateway: istio-ingress/llm}\n"
	const two = "  revisions: [{name: v1}, {name: v2, replicas: {min: 0, max: 2}}]\n  traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]\n"
	both := expressionOf(t, rulesOf(t, target(t, scaled+"  replicas: {min: 1, max: 2}\n"+two)), failedRate)
	assert.Contains(t, both, `destination_service=~"m-(v1)-predictor\\.llm\\.svc\\.cluster\\.local"`)
	none := expressionOf(t, rulesOf(t, target(t, scaled+"  replicas: {min: 0, max: 2}\n")), failedRate)
	assert.NotContains(t, none, "destination_service")
}

// TestDevicesAreNVIDIAs: DCGM knows no others.
func TestDevicesAreNVIDIAs(t *testing.T) {
	t.Parallel()
	for accelerator, want := range map[string]bool{"a10g": true, "mi300x": false, "none": false} {
		text := strings.Replace(document, "type: a10g", "type: "+accelerator, 1) + "  monitoring: {alerts: {}, dashboard: {}}\n"
		if accelerator == "mi300x" {
			text = strings.Replace(text, "type: mi300x", "type: mi300x, perReplica: 1, deviceGroups: [44]", 1)
		}
		deployments, err := spec.Load("document.yaml", strings.NewReader(text))
		require.NoError(t, err)
		found := false
		for _, rule := range rulesOf(t, deployments[0].Environments[0]) {
			found = found || rule.Alert == "LLMDeviceError"
		}
		assert.Equal(t, want, found, accelerator)
		dashboard, err := dashboardJSON(newQueries(deployments[0].Environments[0]))
		require.NoError(t, err)
		assert.Equal(t, want, strings.Contains(dashboard, "DCGM"), accelerator)
	}
}

func TestManyWaiting(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]string{
		"":                             "10",
		"  scaling: {target: 3}\n":     "6",
		"  scaling: {target: 1500m}\n": "3",
		"  scaling: {metric: vllm:num_requests_running, target: 50}\n": "10",
	} {
		watched := target(t, more+"  replicas: {min: 1, max: 2}\n  monitoring: {alerts: {}}\n")
		assert.Equal(t, want, newQueries(watched).manyWaiting(), more)
	}
}

// TestDashboardIsOfNoRevision: it does not change with a canary, and its id is one that Grafana takes.
func TestDashboardIsOfNoRevision(t *testing.T) {
	t.Parallel()
	const watched = "  monitoring: {dashboard: {folder: LLM}}\n"
	one, err := DashboardConfigMap(target(t, watched))
	require.NoError(t, err)
	two, err := DashboardConfigMap(target(t, watched+"  revisions: [{name: v1}, {name: v2}]\n  traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]\n"))
	require.NoError(t, err)
	assert.Equal(t, one.Typed, two.Typed)
	config, ok := one.Typed.(*corev1.ConfigMap)
	require.True(t, ok)
	assert.Equal(t, "LLM", config.Annotations["grafana_folder"])
	assert.Equal(t, "1", config.Labels["grafana_dashboard"])
	var board struct{ UID, Title string }
	require.NoError(t, json.Unmarshal([]byte(config.Data["llm-m.json"]), &board))
	assert.Equal(t, "llm-m", board.UID)

	assert.Equal(t, "m-dashboard", config.Name)
	away, err := DashboardConfigMap(target(t, "  monitoring: {dashboard: {namespace: grafana}}\n"))
	require.NoError(t, err)
	config, ok = away.Typed.(*corev1.ConfigMap)
	require.True(t, ok)
	assert.Equal(t, "grafana/llm-m-dashboard", config.Namespace+"/"+config.Name, "models of other namespaces have theirs there, too")
	assert.Equal(t, []string{"configmap-dashboard", "configmap-dashboard-grafana"}, []string{one.File, away.File})

	long := strings.Repeat("a", 41)
	assert.Len(t, uid(long), 40)
	assert.NotEqual(t, uid(long), uid(long+"b"))
}
