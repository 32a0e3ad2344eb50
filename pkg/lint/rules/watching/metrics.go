package watching

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func alertOnNothing() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1301", Name: "alert-on-unexported-metric", Level: finding.Error,
			Summary: "Alerts and recording rules ask for metrics that the set's vLLM exports.",
			Why: "Prometheus takes a rule on a metric that nobody exports and finds nothing, which is no error: the alert never fires. " +
				"vLLM renames metrics between minor releases: the old name is deprecated, hidden one release later and gone after that. " +
				"A query with or that has one name which is exported is taken as made for several releases.",
			How:   "Use the name of that release.",
			Refs:  []string{"vllm: docs/usage/metrics", "vllm: vllm/v1/metrics/loggers.py"},
			Kinds: rule.WorkloadKinds(rule.PrometheusRule),
		},
		Check: func(c *rule.Context) {
			among, recorded := releases(c), records(c)
			for _, object := range c.Objects(rule.PrometheusRule) {
				expressions(object, func(expression rule.Value) {
					for _, why := range unexported(expression.Text(), among, recorded) {
						c.Report(expression, "%s", why)
					}
				})
			}
		},
	}
}

func brokenDashboard() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1302", Name: "dashboard-not-json", Level: finding.Error,
			Summary: "The dashboard in a ConfigMap is JSON with panels.",
			Why: "Grafana's sidecar writes what has the label grafana_dashboard to a file, and Grafana logs that it cannot read it: the dashboard is not there, or the old one stays. " +
				"What the API of Grafana exports has the dashboard one level deeper, under dashboard, and is not loaded from a file.",
			How:   "Correct the JSON, or take what Grafana shows as the dashboard's JSON model.",
			Refs:  []string{"grafana: docs/administration/provisioning (dashboards)", "kiwigrid/k8s-sidecar: README"},
			Kinds: []rule.Kind{rule.ConfigMap},
		},
		Check: func(c *rule.Context) {
			dashboards(c, func(text rule.Value) {
				var board map[string]json.RawMessage
				err := json.Unmarshal([]byte(text.Text()), &board)
				switch {
				case err != nil:
					c.Report(text, "%v", err)
				case board["panels"] == nil && board["rows"] == nil && board["dashboard"] != nil:
					c.Report(text, "the dashboard is under the field dashboard")
				}
			})
		},
	}
}

func emptyPanel() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1303", Name: "panel-on-unexported-metric", Level: finding.Warning,
			Summary: "Panels of a dashboard ask for metrics that the set's vLLM exports.",
			Why:     "A panel on a metric that nobody exports says No data, as one does of a model that nobody asks. vLLM renames metrics between minor releases.",
			How:     "Use the name of that release.",
			Refs:    []string{"vllm: docs/usage/metrics", "vllm: vllm/v1/metrics/loggers.py"},
			Kinds:   rule.WorkloadKinds(rule.ConfigMap, rule.PrometheusRule),
		},
		Check: func(c *rule.Context) {
			among, recorded := releases(c), records(c)
			dashboards(c, func(text rule.Value) {
				var board any
				if json.Unmarshal([]byte(text.Text()), &board) != nil {
					return
				}
				reasons := map[string]bool{}
				queriesIn(board, func(query string) {
					for _, why := range unexported(query, among, recorded) {
						reasons[why] = true
					}
				})
				for _, why := range slices.Sorted(maps.Keys(reasons)) {
					c.Report(text, "%s", why)
				}
			})
		},
	}
}

// queriesIn visits the queries of panels, wherever they stand: rows hold panels too.
func queriesIn(v any, visit func(query string)) {
	switch v := v.(type) {
	case map[string]any:
		if query, ok := v["expr"].(string); ok {
			visit(query)
		}
		for _, value := range v {
			queriesIn(value, visit)
		}
	case []any:
		for _, value := range v {
			queriesIn(value, visit)
		}
	}
}
