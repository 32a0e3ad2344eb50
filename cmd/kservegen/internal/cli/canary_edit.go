package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/rollout/write"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

// treeFlags name a model, its document and its tree.
type treeFlags struct {
	documents documentFlags
	model     string
	dir       string
}

func (f *treeFlags) register(cmd *cobra.Command) {
	f.documents.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "name of the model, where the documents are of several")
	flags.StringVarP(&f.dir, "dir", "d", "deploy", "directory that the trees were rendered to")
	_ = cmd.MarkFlagDirname("dir")
}

// settle carries out or takes back what an interrupted run left, for those who write.
func (f *treeFlags) settle(s Streams) error {
	if slices.Contains(f.documents.files, "-") {
		return usagef("standard input cannot be edited; name a file with -f")
	}
	return recoverTogether(s, f.dir, f.documents.files)
}

// load reads the documents and finds the model among them.
func (f *treeFlags) load(ctx context.Context, s Streams) ([]*spec.Deployment, *spec.Deployment, error) {
	all, err := f.documents.load(ctx, s.In)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, m := range all {
		if m.Name == f.model || f.model == "" && len(all) == 1 {
			return all, m, nil
		}
		names = append(names, m.Name)
	}
	if f.model == "" {
		return nil, nil, usagef("the documents are of several models, %s; say which with --model", strings.Join(names, ", "))
	}
	return nil, nil, usagef("there is no model %s; there is %s", f.model, strings.Join(names, ", "))
}

// recoverTogether settles what an interrupted step left of documents and their trees.
func recoverTogether(s Streams, dir string, documents []string) error {
	var paths []string
	for _, name := range documents {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			name = filepath.Join(name, "document.yaml") // any file of it
		}
		if name != "-" {
			paths = append(paths, name)
		}
	}
	done, err := write.Recover(dir, paths...)
	for _, said := range done {
		fmt.Fprintln(s.Err, said)
	}
	return err
}

// canaryOptions are what the steps have in common.
type canaryOptions struct {
	treeFlags
	commitFlags
	clusterFlags
	verb         string
	revision     string
	environments []string
	shared       bool
	dryRun       bool
	output       string
}

func (o *canaryOptions) register(cmd *cobra.Command) {
	o.treeFlags.register(cmd)
	o.commitFlags.register(cmd)
	o.clusterFlags.register(cmd, "ask the cluster of this context whether the step may be made")
	flags := cmd.Flags()
	flags.StringArrayVar(&o.environments, "env", nil, "environment that the step is for; may be repeated (default all, where they agree)")
	flags.BoolVar(&o.shared, "shared", false, "also render what the documents share")
	flags.BoolVar(&o.dryRun, "dry-run", false, "change nothing; print the diff")
	flags.StringVarP(&o.output, "output", "o", "text", "text or json")
	complete(cmd, "output", []string{"text", "json"})
}

func (o *canaryOptions) validate() error {
	switch {
	case o.output != "text" && o.output != "json":
		return usagef("-o %s is unknown; text or json", o.output)
	case o.dryRun && (o.commit || o.push):
		return usagef("--dry-run changes nothing; --commit and --push make no sense with it")
	case o.dryRun && o.output == "json":
		return usagef("--dry-run prints a diff; -o json makes no sense with it")
	}
	return o.commitFlags.validate()
}

// canaryReport is what -o json prints of a step.
type canaryReport struct {
	Model        string        `json:"model"`
	Changed      bool          `json:"changed"`
	Environments []shiftReport `json:"environments"`
	Files        []string      `json:"files"`
	Commit       string        `json:"commit,omitempty"`
	Pushed       bool          `json:"pushed"`
	Notes        []string      `json:"notes"`
}

type shiftReport struct {
	Name   string        `json:"name"`
	Before []steps.Share `json:"before"`
	After  []steps.Share `json:"after"`
}

// run makes one step.
func (o *canaryOptions) run(ctx context.Context, s Streams, step func(*steps.Document) (steps.Change, error)) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.settle(s); err != nil {
		return err
	}
	all, model, err := o.load(ctx, s)
	if err != nil {
		return err
	}
	if err = chooseEngines(o.dir, "", all); err != nil {
		return err
	}
	data, err := os.ReadFile(model.File)
	if err != nil {
		return err
	}
	document, err := steps.Open(model.File, data, model.Name)
	if err != nil {
		return err
	}
	repository, err := o.clean(ctx, model.File, filepath.Join(o.dir, model.Name))
	if err != nil {
		return err
	}
	change, err := step(document)
	if err != nil {
		return refused(err)
	}
	report := canaryReport{Model: model.Name, Environments: []shiftReport{}, Files: []string{}, Notes: append([]string{}, change.Notes...)}
	if string(change.Data) == string(data) {
		report.Notes = append(report.Notes, "nothing to change: "+standingTraffic(model))
		return o.print(s, report)
	}
	if err = o.ready(ctx, s, model, change); err != nil {
		return err
	}
	plan, err := o.plan(s, all, model, change)
	if err != nil {
		return err
	}
	if o.dryRun {
		return printChanges(s, plan.Root, plan.Changes)
	}
	return o.carryOut(ctx, s, repository, plan, change, report)
}

// refused makes errors about the call of those of a step.
func refused(err error) error {
	var problems manifest.Problems
	if steps.Refused(err) && !errors.As(err, &problems) {
		return usageError{err}
	}
	return err
}

// standingTraffic is what the environments have.
func standingTraffic(m *spec.Deployment) string {
	var words []string
	for _, t := range m.Environments {
		words = append(words, fmt.Sprintf("%s has %s", t.Environment, steps.Words(steps.Shares(t))))
	}
	return strings.Join(words, "; ")
}

// plan renders the changed document and says what is to be written.
func (o *canaryOptions) plan(s Streams, all []*spec.Deployment, model *spec.Deployment, change steps.Change) (write.Plan, error) {
	after := slices.Clone(all)
	after[slices.Index(all, model)] = change.After
	if err := chooseEngines(o.dir, "", []*spec.Deployment{change.After}); err != nil {
		return write.Plan{}, err
	}
	if err := spec.CheckTogether(after); err != nil {
		return write.Plan{}, together(err)
	}
	reportRemarks(s, []*spec.Deployment{change.After})
	c := write.Change{File: model.File, Data: change.Data, Before: model, After: change.After}
	if o.shared {
		c.Together = after
	} else if slices.ContainsFunc(change.Shifts, func(s steps.Shift) bool { return len(s.Before) != len(s.After) }) {
		remindShared(s, change.After)
	}
	plan, err := write.Make(o.dir, c)
	var stale *write.Stale
	if errors.As(err, &stale) {
		return write.Plan{}, usageError{err}
	}
	return plan, err
}

// together says what the documents would not agree on, without places in a text that nobody has seen.
func together(err error) error {
	var problems manifest.Problems
	if !errors.As(err, &problems) {
		return err
	}
	var words []string
	for _, problem := range problems {
		words = append(words, problem.Message)
	}
	return usagef("the documents would not go together then: %s", strings.Join(words, "; "))
}

// printChanges prints what would change below a directory as a diff.
func printChanges(s Streams, root string, changes []txn.Change) error {
	for _, change := range changes {
		difference, err := differenceOf(shown(root), change)
		if err != nil {
			return err
		}
		if _, err := s.Out.Write(difference); err != nil {
			return err
		}
	}
	return nil
}

// carryOut writes, and commits where that was asked for.
func (o *canaryOptions) carryOut(ctx context.Context, s Streams, r *repository, plan write.Plan, change steps.Change, report canaryReport) error {
	result, err := plan.Commit(ctx, txn.Options{})
	if err != nil {
		return err
	}
	report.Changed = result.Written+result.Removed > 0
	for _, c := range plan.Changes {
		report.Files = append(report.Files, shown(filepath.Join(plan.Root, c.Path)))
	}
	for _, shift := range change.Shifts {
		report.Environments = append(report.Environments, shiftReport{shift.Environment, shift.Before, shift.After})
	}
	if r != nil {
		if report.Commit, err = r.commit(ctx, o.subject(change), o.body(change)); err != nil {
			return fmt.Errorf("the files are written, and not committed: %w", err)
		}
		if err := o.pushed(ctx, r, &report); err != nil {
			return err
		}
	}
	return o.print(s, report)
}

// shown is a path as it is short from where the user is.
func shown(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(relative, "..") {
		return relative
	}
	return path
}

func (o *canaryOptions) print(s Streams, report canaryReport) error {
	if o.output == "json" {
		return writeJSON(s.Out, report)
	}
	for _, e := range report.Environments {
		fmt.Fprintf(s.Err, "%s: %s → %s\n", e.Name, steps.Words(e.Before), steps.Words(e.After))
	}
	for _, note := range report.Notes {
		fmt.Fprintln(s.Err, note)
	}
	switch {
	case len(report.Files) > 4:
		fmt.Fprintf(s.Err, "%d files changed\n", len(report.Files))
	case len(report.Files) > 0:
		fmt.Fprintf(s.Err, "changed: %s\n", strings.Join(report.Files, ", "))
	}
	if report.Commit != "" {
		fmt.Fprintf(s.Err, "commit %s%s\n", report.Commit, map[bool]string{true: ", pushed"}[report.Pushed])
	}
	return nil
}
