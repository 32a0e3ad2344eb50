package queries

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// ruleFile writes the groups of a PrometheusRule as the file that the operator makes of them for Prometheus.
func ruleFile(t *testing.T, objects []map[string]any) string {
	t.Helper()
	for _, object := range objects {
		if object["kind"] == "PrometheusRule" {
			data, err := yaml.Marshal(object["spec"])
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "rules.yaml")
			require.NoError(t, os.WriteFile(file, data, 0o600))
			return file
		}
	}
	require.Fail(t, "no PrometheusRule is rendered")
	return ""
}

// evaluation is Prometheus' rule engine over series that are given, as promtool's unit tests run it (cmd/promtool/unittest.go, which no
// other program can call).
type evaluation struct {
	groups []*rules.Group
	series *promqltest.LazyLoader
}

func newEvaluation(t *testing.T, file string, series []string) *evaluation {
	t.Helper()
	loader, err := promqltest.NewLazyLoader("load 15s\n  "+strings.Join(series, "\n  ")+"\n", promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = loader.Close() })
	loader.SubqueryInterval = ruleInterval
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(loader.QueryEngine(), loader.Storage()), AppendableV2: loader.Storage(), Context: context.Background(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Logger: promslog.NewNopLogger(),
	})
	loaded, problems := manager.LoadGroups(ruleInterval, labelsNone(), "", nil, false, file)
	require.Empty(t, problems)
	e := &evaluation{series: loader}
	for _, group := range loaded {
		e.groups = append(e.groups, group)
	}
	slices.SortFunc(e.groups, func(a, b *rules.Group) int { return recordedFirst(a) - recordedFirst(b) })
	return e
}

// recordedFirst has the recording rules computed before those that read them; Prometheus runs groups beside each other.
func recordedFirst(g *rules.Group) int {
	if strings.HasSuffix(g.Name(), ".recorded") {
		return 0
	}
	return 1
}

const ruleInterval = 30 * time.Second

// until computes all rules at each interval, up to a time.
func (e *evaluation) until(t *testing.T, end time.Duration) {
	t.Helper()
	for at := time.Unix(0, 0).UTC(); !at.After(time.Unix(0, 0).UTC().Add(end)); at = at.Add(ruleInterval) {
		e.series.WithSamplesTill(at, func(err error) {
			require.NoError(t, err)
			for _, group := range e.groups {
				group.Eval(e.series.Context(), at)
				for _, rule := range group.Rules() {
					require.NoError(t, rule.LastError(), "%s at %s", rule.Name(), at)
				}
			}
		})
	}
}

// alerts are those that the rules have, by name and severity.
func (e *evaluation) alerts() []*rules.AlertingRule {
	var list []*rules.AlertingRule
	for _, group := range e.groups {
		for _, rule := range group.Rules() {
			if alert, ok := rule.(*rules.AlertingRule); ok {
				list = append(list, alert)
			}
		}
	}
	return list
}

func nameOf(alert *rules.AlertingRule) string {
	return alert.Name() + "/" + alert.Labels().Get("severity")
}

// firing are the alerts that fire now, with the revision that each is about.
func (e *evaluation) firing() []string {
	var list []string
	for _, alert := range e.alerts() {
		for _, active := range alert.ActiveAlerts() {
			if active.State == rules.StateFiring {
				name := nameOf(alert)
				if revision := active.Labels.Get("kservegen_dev_revision"); revision != "" {
					name += " " + revision
				}
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return list
}
