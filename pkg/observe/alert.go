package observe

import (
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// Severities. What is critical should wake somebody: callers notice it now. The rest can wait for the day.
const (
	critical = "critical"
	warning  = "warning"
)

// alert is one alerting rule.
type alert struct {
	name, severity string
	// expression is what is wrong, for so long; empty for at once.
	expression, lasts string
	// summary is one line, and description what it means and where to look. Both may hold Prometheus' templates.
	summary, description string
}

// rule is an alert as Prometheus has it.
func (q queries) rule(a alert) monitoringv1.Rule {
	alerts := q.target.Monitoring.Alerts
	labels := q.labels()
	labels["severity"] = a.severity
	for name, value := range alerts.Labels {
		labels[name] = string(value)
	}
	rule := monitoringv1.Rule{
		Alert: a.name, Expr: intstr.FromString(a.expression), Labels: labels,
		Annotations: map[string]string{"summary": a.summary, "description": a.description, "runbook_url": alerts.AlertURL(a.name)},
	}
	if a.lasts != "" {
		rule.For = ptr.To(monitoringv1.Duration(a.lasts))
	}
	return rule
}

func (q queries) rules(alerts []alert) []monitoringv1.Rule {
	rules := make([]monitoringv1.Rule, 0, len(alerts))
	for _, a := range alerts {
		rules = append(rules, q.rule(a))
	}
	return rules
}

// ofRevision is the revision that an alert is about, in a template.
func (q queries) ofRevision() string { return "revision {{ $labels." + q.revision + " }}" }
