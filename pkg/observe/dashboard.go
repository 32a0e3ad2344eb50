package observe

import (
	"crypto/sha256"
	"encoding/hex"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// dashboardLabel is what Grafana's sidecar looks for, in kube-prometheus-stack and in Grafana's own chart
	// (charts/grafana/values.yaml: sidecar.dashboards.label and labelValue; empty there stands for any value).
	dashboardLabel = "grafana_dashboard"
	// folderAnnotation is what the charts' documentation suggests as sidecar.dashboards.folderAnnotation.
	folderAnnotation = "grafana_folder"
	// schemaVersion is of the model in grafana.go.
	schemaVersion = 39
	columns       = 24
	panelHeight   = 8
	// uidLength is the most that Grafana takes (util.ValidateUID in its pkg/util/shortid_generator.go).
	uidLength = 40
)

// DashboardConfigMap holds a dashboard of Grafana's about a model.
func DashboardConfigMap(t spec.Target) (manifest.Object, error) {
	text, err := dashboardJSON(newQueries(t))
	if err != nil {
		return manifest.Object{}, err
	}
	labels := t.Labels(spec.ComponentMonitoring)
	labels[dashboardLabel] = "1"
	config := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: dashboardName(t), Namespace: t.Monitoring.Dashboard.Namespace, Labels: labels},
		Data:       map[string]string{t.Namespace + "-" + t.Name + ".json": text},
	}
	comments := map[string]string{"/metadata/labels/" + dashboardLabel: "Grafana's sidecar loads what has it, in the namespaces that it searches."}
	if folder := t.Monitoring.Dashboard.Folder; folder != "" {
		config.Annotations = map[string]string{folderAnnotation: folder}
		comments["/metadata/annotations"] = "Read where the sidecar's folderAnnotation is this one, and Grafana's provider has foldersFromFilesStructure."
	}
	return manifest.Object{File: dashboardFile(t), Typed: config, Comments: manifest.Comments{
		Head: "A dashboard for Grafana. It is the same whatever revisions run.", At: comments,
	}}, nil
}

// dashboardName is the model's; with its namespace in front where those of other namespaces' models are.
func dashboardName(t spec.Target) string {
	if t.Monitoring.Dashboard.Namespace == t.Namespace {
		return t.Name + "-dashboard"
	}
	return t.Namespace + "-" + t.Name + "-dashboard"
}

// dashboardFile tells dashboards of two namespaces apart: an environment that has it elsewhere has another object, and no patch changes a
// name.
func dashboardFile(t spec.Target) string {
	const file = "configmap-dashboard"
	if t.Monitoring.Dashboard.Namespace == t.Namespace {
		return file
	}
	return file + "-" + t.Monitoring.Dashboard.Namespace
}

// dashboardJSON is the same bytes each time: structures only, and no maps.
func dashboardJSON(q queries) (string, error) {
	t := q.target
	board := dashboard{
		UID:         uid(t.Namespace + "-" + t.Name),
		Title:       "Model " + t.Namespace + "/" + t.Name,
		Description: "Served by vLLM; requests as the sidecars of Istio count them. Made by kservegen.",
		Tags:        []string{"kservegen", "vllm"}, SchemaVersion: schemaVersion, GraphTooltip: 1, Refresh: "30s",
		Time: timeRange{"now-3h", "now"},
		Templating: templating{[]variable{
			{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus"},
			{
				Name: "revision", Label: "Revision", Type: "query", Query: "label_values(" + scraped + q.selector() + ", " + q.revision + ")",
				Datasource: prometheusSource(), Refresh: 2, Multi: true, IncludeAll: true, AllValue: ".+",
			},
		}},
		Panels: arrange(q.sections()),
	}
	text, err := manifest.IndentedJSON(board)
	return string(text), err
}

// uid is the name, cut and told apart by a hash where Grafana would not take it.
func uid(name string) string {
	if len(name) <= uidLength {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := "-" + hex.EncodeToString(sum[:4])
	return name[:uidLength-len(hash)] + hash
}

// prometheusSource is the one that is chosen at the top. Flux would take braces for a variable of its own
// (spec.postBuild of its Kustomization).
func prometheusSource() *datasource { return &datasource{"prometheus", "$datasource"} }

// graph is a panel as it is written down: where it stands follows.
type graph struct {
	title, about, unit string
	// full is set where the values are shares, from 0 to 1.
	full    bool
	queries []legendQuery
}

type legendQuery struct{ legend, query string }

// section is a row of graphs.
type section struct {
	title  string
	graphs []graph
}

// arrange sets graphs three in a line.
func arrange(sections []section) []panel {
	const abreast = 3
	var panels []panel
	y := 0
	for _, s := range sections {
		panels = append(panels, panel{ID: len(panels) + 1, Type: "row", Title: s.title, GridPos: gridPos{1, columns, 0, y}, Collapsed: ptr.To(false)})
		y++
		for i, g := range s.graphs {
			width := columns / abreast
			panels = append(panels, g.panel(len(panels)+1, gridPos{panelHeight, width, i % abreast * width, y + i/abreast*panelHeight}))
		}
		y += (len(s.graphs) + abreast - 1) / abreast * panelHeight
	}
	return panels
}

func (g graph) panel(id int, at gridPos) panel {
	p := panel{
		ID: id, Type: "timeseries", Title: g.title, Description: g.about, GridPos: at, Datasource: prometheusSource(),
		FieldConfig: &fieldConfig{fieldDefaults{Unit: g.unit, Min: ptr.To(0.0)}},
		Options:     &options{&legend{"table", "bottom", []string{"lastNotNull", "max"}}, &tooltip{"multi", "desc"}},
	}
	if g.full {
		p.FieldConfig.Defaults.Max = ptr.To(1.0)
	}
	for i, query := range g.queries {
		p.Targets = append(p.Targets, panelTarget{RefID: string(rune('A' + i)), Expr: query.query, LegendFormat: query.legend, Range: true})
	}
	return p
}
