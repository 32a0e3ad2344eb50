package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/spec"
)

// watchInterval is how often --watch looks.
const watchInterval = 2 * time.Second

type statusOptions struct {
	treeFlags
	clusterFlags
	environment, namespace string
	output                 string
	offline, watch         bool
	probe                  probeFlags
}

func newStatus(s Streams) *cobra.Command {
	o := &statusOptions{}
	cmd := &cobra.Command{
		Use:   "status {-f DOC [--env ENV] | -n NAMESPACE NAME}",
		Short: "Say what runs: revisions, replicas, readiness, and weights in document, tree and cluster",
		Long: `Show the revisions of a model side by side: what the document gives them, what the tree does, and what the cluster
does; how many replicas answer, and why one doesn't. Without a document the cluster alone is asked. It only reads.`,
		Example: `  kservegen status -f deepseek.yaml --env production
  kservegen status -n llm deepseek-r1 --watch
  kservegen status -f deepseek.yaml --env production --probe --url https://deepseek.example.com    ask each revision once`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), s, args) },
	}
	o.treeFlags.register(cmd)
	o.clusterFlags.register(cmd, "context of the cluster (default the current one)")
	o.probe.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.environment, "env", "", "environment (default the only one)")
	flags.StringVarP(&o.namespace, "namespace", "n", "", "namespace of the model, where no document is given")
	flags.BoolVar(&o.offline, "offline", false, "do not ask a cluster")
	flags.BoolVarP(&o.watch, "watch", "w", false, "go on, and print what has changed, until interrupted")
	flags.StringVarP(&o.output, "output", "o", "text", "text or json")
	complete(cmd, "output", []string{"text", "json"})
	return cmd
}

// statusReport is what -o json prints.
type statusReport struct {
	Model       string           `json:"model"`
	Namespace   string           `json:"namespace"`
	Environment string           `json:"environment,omitempty"`
	Cluster     string           `json:"cluster,omitempty"`
	Routes      string           `json:"routes,omitempty"`
	Revisions   []revisionReport `json:"revisions"`
	Notes       []string         `json:"notes"`
}

type revisionReport struct {
	Name string `json:"name"`
	// Weights in percent; null where the revision is not.
	Document *int `json:"document"`
	Tree     *int `json:"tree"`
	Live     *int `json:"cluster"`
	// Mirrors are the percentages of the requests that it gets copies of.
	DocumentMirror int `json:"documentMirror,omitempty"`
	LiveMirror     int `json:"clusterMirror,omitempty"`
	// Replicas and Answering are null where no cluster was asked.
	Replicas  *int         `json:"replicas"`
	Answering *int         `json:"answering"`
	Ready     *bool        `json:"ready"`
	Reason    string       `json:"reason,omitempty"`
	Probe     *probeReport `json:"probe,omitempty"`

	testers *spec.HeaderMatch
}

func (o *statusOptions) validate(args []string) error {
	switch {
	case len(args) == 0 && len(o.documents.files) == 0:
		return usagef("of what? -f DOC, or -n NAMESPACE NAME")
	case len(args) == 1 && len(o.documents.files) > 0:
		return usagef("NAME is for a call without a document; with -f it is --model %s", args[0])
	case len(args) == 1 && (o.namespace == "" || o.offline || o.environment != ""):
		return usagef("without a document the cluster is asked: -n NAMESPACE NAME, and neither --env nor --offline")
	case len(args) == 0 && o.namespace != "":
		return usagef("the document says the namespace; -n is for a call without one")
	case o.output != "text" && o.output != "json":
		return usagef("-o %s is unknown; text or json", o.output)
	}
	return o.probe.validate()
}

func (o *statusOptions) run(ctx context.Context, s Streams, args []string) error {
	if err := o.validate(args); err != nil {
		return err
	}
	before := ""
	for {
		report, target, err := o.look(ctx, s, args)
		if err != nil {
			return o.ended(ctx, err)
		}
		failed := o.probe.ask(ctx, &report, target)
		text, err := o.text(report)
		if err != nil {
			return err
		}
		if text != before {
			if o.watch && before != "" && o.output == "text" {
				fmt.Fprintln(s.Out)
			}
			if _, err := io.WriteString(s.Out, text); err != nil {
				return err
			}
		}
		before = text
		switch {
		case !o.watch && failed:
			return errFindings
		case !o.watch:
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchInterval):
		}
	}
}

// ended is no error where a watch was interrupted.
func (o *statusOptions) ended(ctx context.Context, err error) error {
	if o.watch && ctx.Err() != nil {
		return nil
	}
	return err
}

// look puts document, tree and cluster side by side. The target is nil without a document.
func (o *statusOptions) look(ctx context.Context, s Streams, args []string) (statusReport, *spec.Target, error) {
	report := statusReport{Namespace: o.namespace, Revisions: []revisionReport{}, Notes: []string{}}
	var target *spec.Target
	if len(args) == 1 {
		report.Model = args[0]
	} else {
		_, model, err := o.load(ctx, s)
		if err != nil {
			return report, nil, err
		}
		environment, err := environmentOf(model, o.environment)
		if err != nil {
			return report, nil, err
		}
		target = &environment
		report.Model, report.Namespace, report.Environment = model.Name, model.Namespace, target.Environment
		report.addDocument(*target)
		o.addTree(ctx, &report, model)
	}
	if o.offline {
		return report, target, nil
	}
	return report, target, o.addCluster(ctx, &report)
}

func (r *statusReport) revision(name string) *revisionReport {
	for i := range r.Revisions {
		if r.Revisions[i].Name == name {
			return &r.Revisions[i]
		}
	}
	r.Revisions = append(r.Revisions, revisionReport{Name: name})
	return &r.Revisions[len(r.Revisions)-1]
}

func (r *statusReport) addDocument(t spec.Target) {
	for _, revision := range t.Revisions {
		line := r.revision(revision.Name)
		line.Document, line.testers = &revision.Weight, revision.Testers
		line.DocumentMirror = revision.Mirror
	}
}

// addTree reads the tree on disk, and whether it is committed.
func (o *statusOptions) addTree(ctx context.Context, report *statusReport, m *spec.Deployment) {
	folder := filepath.Join(o.dir, m.Name)
	files, _ := filepath.Glob(filepath.Join(folder, "overlays", report.Environment, "patches", "traffic*.yaml"))
	if len(files) == 0 {
		report.Notes = append(report.Notes, "there is no tree of this environment in "+folder+"; -d names the directory of the trees")
		return
	}
	for _, weight := range treeWeights(files) {
		report.revision(weight.Revision).Tree = &weight.Value
	}
	if o.behind(report) {
		report.Notes = append(report.Notes, "the tree is not what the document says: kservegen render")
	}
	repository, err := git.Open(ctx, filepath.Dir(m.File))
	if err != nil {
		return // outside of Git there is nothing to say of it
	}
	var paths []string
	for _, file := range []string{m.File, folder} {
		if path, err := repository.Path(file); err == nil {
			paths = append(paths, path)
		}
	}
	if dirty, err := repository.Dirty(ctx, paths...); err == nil && len(dirty) > 0 {
		report.Notes = append(report.Notes, "not committed: "+strings.Join(dirty, ", "))
	}
}

func (o *statusOptions) behind(report *statusReport) bool {
	for _, line := range report.Revisions {
		if !sameWeight(line.Document, line.Tree) {
			return true
		}
	}
	return false
}

func sameWeight(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// addCluster asks the cluster. One that was not named and cannot be reached is a note.
func (o *statusOptions) addCluster(ctx context.Context, report *statusReport) error {
	cluster, err := live.Connect(o.kubeconfig, o.contextName)
	var model live.Model
	if err == nil {
		report.Cluster = cluster.Name
		model, err = cluster.Read(ctx, report.Namespace, report.Model)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && (o.asked() || o.namespace != "") {
		return err
	}
	if err != nil {
		report.Notes = append(report.Notes, "the cluster was not asked: "+err.Error())
		return nil
	}
	if len(model.Revisions) == 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("the cluster has no model %s in namespace %s", report.Model, report.Namespace))
	}
	report.Routes = model.Routes
	for _, revision := range model.Revisions {
		report.revision(revision.Name)
	}
	different := false
	for i := range report.Revisions {
		line := &report.Revisions[i]
		revision, _ := model.Find(line.Name)
		line.Live, line.Ready, line.Reason = revision.Weight, &revision.Ready, revision.Reason
		line.LiveMirror = revision.Mirror
		line.Replicas, line.Answering = &revision.Wanted, &revision.Answering
		if line.testers == nil {
			line.testers = revision.Testers
		}
		different = different || line.Tree != nil && (!sameWeight(line.Tree, line.Live) || line.DocumentMirror != line.LiveMirror)
	}
	if different {
		report.Notes = append(report.Notes, "the cluster does not have the weights of the tree: it is not pushed, not applied, or of another environment")
	}
	return nil
}

// text is what is printed.
func (o *statusOptions) text(report statusReport) (string, error) {
	var out strings.Builder
	if o.output == "json" {
		err := writeJSON(&out, report)
		return out.String(), err
	}
	head := report.Model + " in namespace " + report.Namespace
	if report.Environment != "" {
		head += ", environment " + report.Environment
	}
	if report.Cluster != "" {
		head += ", cluster " + report.Cluster
	}
	fmt.Fprintln(&out, head)
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	columns := o.columns(report)
	for i, name := range columns {
		fmt.Fprint(table, map[bool]string{true: "\t"}[i > 0], name)
	}
	fmt.Fprintln(table)
	for _, line := range report.Revisions {
		fmt.Fprintln(table, strings.Join(line.cells(columns), "\t"))
	}
	err := table.Flush()
	for _, note := range report.Notes {
		fmt.Fprintln(&out, note)
	}
	return out.String(), err
}

// columns are those that say something.
func (o *statusOptions) columns(report statusReport) []string {
	columns := []string{"revision"}
	if report.Environment != "" {
		columns = append(columns, "document", "tree")
	}
	if report.Cluster != "" {
		columns = append(columns, "cluster", "replicas", "ready")
	}
	if o.probe.on {
		columns = append(columns, "probe")
	}
	return columns
}

func (r revisionReport) cells(columns []string) []string {
	var cells []string
	for _, column := range columns {
		cells = append(cells, map[string]func() string{
			"revision": func() string { return r.Name },
			"document": func() string { return weightCell(r.Document, r.DocumentMirror) },
			"tree":     func() string { return weightCell(r.Tree, 0) },
			"cluster":  func() string { return weightCell(r.Live, r.LiveMirror) },
			"replicas": r.replicasCell,
			"ready":    r.readyCell,
			"probe":    r.probeCell,
		}[column]())
	}
	return cells
}

func weightCell(weight *int, mirror int) string {
	switch {
	case weight == nil:
		return "-"
	case mirror > 0:
		return fmt.Sprintf("%d, copies of %d", *weight, mirror)
	}
	return strconv.Itoa(*weight)
}

func (r revisionReport) replicasCell() string {
	if r.Replicas == nil {
		return "-"
	}
	return fmt.Sprintf("%d/%d", *r.Answering, *r.Replicas)
}

func (r revisionReport) readyCell() string {
	switch {
	case r.Ready == nil:
		return "-"
	case *r.Ready:
		return "yes"
	}
	return "no: " + strings.Join(strings.Fields(r.Reason), " ")
}

func (r revisionReport) probeCell() string {
	if r.Probe == nil {
		return "-"
	}
	return r.Probe.words()
}

var errNotAsked = errors.New("has no testers' header, and so cannot be asked alone; spec.traffic[].testers gives it one")
