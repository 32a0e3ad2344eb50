package observe

import (
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// PrometheusRule holds the alerts of a model, and what they are made of.
func PrometheusRule(t spec.Target) manifest.Object {
	q, objectives := newQueries(t), *t.Monitoring.Alerts.SLO
	groups := []monitoringv1.RuleGroup{
		{Name: t.Name + ".recorded", Interval: ptr.To(monitoringv1.Duration(fmt.Sprintf("%ds", interval))), Rules: q.records(objectives)},
		{Name: t.Name + ".objectives", Rules: q.rules(q.objectives(objectives))},
		{Name: t.Name + ".replicas", Rules: q.rules(q.replicas())},
		{Name: t.Name + ".load", Rules: q.rules(q.load())},
		{Name: t.Name + ".revisions", Rules: q.rules(q.revisions(objectives))},
	}
	comments := map[string]string{
		"/spec/groups/0": "By revision; all that follows, and a gate, read these. Rates times the interval are counts.",
		"/spec/groups/1": "What callers notice. Burn rates of the SRE workbook over two windows each, of at least " + fmt.Sprint(leastBad) + " bad events.",
		"/spec/groups/2": "The numbers of replicas are those of kube-state-metrics. At zero on purpose none is wanted.",
		"/spec/groups/3": "What they will notice if it goes on.",
		"/spec/groups/4": fmt.Sprintf("One revision beside the best of the others, of at least %d requests each.", enough),
	}
	if q.nvidia() {
		groups = append(groups, monitoringv1.RuleGroup{Name: t.Name + ".devices", Rules: q.rules(q.devices())})
		comments["/spec/groups/5"] = "Of NVIDIA's dcgm-exporter, for devices of the model's pods. Xids that programs cause are left out."
	}
	rule := &monitoringv1.PrometheusRule{
		TypeMeta:   metav1.TypeMeta{APIVersion: monitoringv1.SchemeGroupVersion.String(), Kind: monitoringv1.PrometheusRuleKind},
		ObjectMeta: metav1.ObjectMeta{Name: t.Name, Namespace: t.Namespace, Labels: monitorLabels(t)},
		Spec:       monitoringv1.PrometheusRuleSpec{Groups: groups},
	}
	return manifest.Object{File: "prometheusrule", Typed: rule, Comments: manifest.Comments{
		Head: "Alerts of " + t.Name + ", for the Prometheus operator. docs/watching.md of kservegen says of each what to do.", At: comments,
	}}
}

// monitorLabels are those of what a Prometheus selects.
func monitorLabels(t spec.Target) map[string]string {
	labels := t.Labels(spec.ComponentMonitoring)
	for name, value := range t.Monitoring.Labels {
		labels[name] = string(value)
	}
	return labels
}
