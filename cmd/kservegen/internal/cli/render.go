package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

type renderOptions struct {
	documents documentFlags
	output    string
	env       string
	check     bool
	dryRun    bool
	force     bool
	adopt     bool
	shared    bool
	gitops    string
	explain   bool
	report    string
}

func newRender(s Streams) *cobra.Command {
	o := &renderOptions{}
	cmd := &cobra.Command{
		Use:   "render -f DOC... -o DIR",
		Short: "Write a Kustomize tree per document, or print one environment",
		Long: `Write one folder per document below DIR: a base, an overlay per environment, and a lock. Everything is
written or nothing. Files that a person edited are not overwritten: render names them and stops.`,
		Example: `  kservegen render -f deepseek.yaml -o deploy            write deploy/<name>/
  kservegen render -f models/ -o deploy --shared         many documents, and what they share
  kservegen render -f deepseek.yaml --env production     print what building that overlay gives
  kservegen render -f models/ -o deploy --check          is deploy/ current? (for CI: exit 1 and a diff)
  kservegen render -f models/ -o deploy --check --explain  why each file differs, for example after an upgrade of kservegen
  kservegen render -f deepseek.yaml -o deploy --adopt    take weights that were edited in the tree over
  kservegen render -f models/ -o deploy --gitops flux    also what makes Flux pull them (spec.gitops says from where)`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s) },
	}
	o.documents.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "directory that the trees go to")
	flags.StringVar(&o.env, "env", "", "print this environment as a YAML stream instead of writing")
	flags.BoolVar(&o.check, "check", false, "change nothing; exit 1 with a diff where DIR is not current")
	flags.BoolVar(&o.explain, "explain", false, "with --check: say why each file differs: edited, a changed document, a newer kservegen")
	flags.StringVar(&o.report, "report", "text", "what --check --explain prints: text or json")
	flags.BoolVar(&o.dryRun, "dry-run", false, "change nothing; say what would be written")
	flags.BoolVar(&o.force, "force", false, "overwrite generated files that were edited by hand")
	flags.BoolVar(&o.adopt, "adopt", false, "write weights that were edited in the tree into the document")
	flags.BoolVar(&o.shared, "shared", false, "also write what the documents share: namespaces and gateways")
	flags.StringVar(&o.gitops, "gitops", "", "also write what makes flux or argocd pull the trees, or none of it; kept until told otherwise (default spec.gitops.engine)")
	_ = cmd.MarkFlagDirname("output")
	complete(cmd, "report", []string{"text", "json"})
	_ = cmd.RegisterFlagCompletionFunc("gitops", cobra.FixedCompletions(gitopsChoices(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *renderOptions) validate() error {
	switch {
	case o.gitops != "" && !slices.Contains(gitopsChoices(), o.gitops):
		return usagef("--gitops %s is unknown; %s", o.gitops, strings.Join(gitopsChoices(), ", "))
	case o.output == "" && o.env == "":
		return usagef("where to? -o DIR writes trees, --env NAME prints one environment")
	case o.output != "" && o.env != "":
		return usagef("-o and --env exclude each other")
	case o.env != "" && (o.check || o.dryRun || o.force || o.adopt || o.shared || o.gitops != ""):
		return usagef("--env only prints; --check, --dry-run, --force, --adopt, --shared and --gitops are about -o DIR")
	case o.check && (o.dryRun || o.force || o.adopt):
		return usagef("--check changes nothing; --dry-run, --force and --adopt make no sense with it")
	case o.explain && !o.check:
		return usagef("--explain is about --check")
	case o.report != "text" && o.report != "json":
		return usagef("--report %s is unknown; text or json", o.report)
	case o.report != "text" && !o.explain:
		return usagef("--report is about --check --explain")
	case o.force && o.adopt:
		return usagef("--force throws edits away and --adopt keeps them; choose one")
	case o.adopt && slices.Contains(o.documents.files, "-"):
		return usagef("--adopt edits the document; it needs a file, not standard input")
	}
	return nil
}

func (o *renderOptions) run(ctx context.Context, s Streams) error {
	if err := o.validate(); err != nil {
		return err
	}
	if o.output != "" && !o.check && !o.dryRun {
		if err := recoverTogether(s, o.output, o.documents.files); err != nil {
			return err
		}
	}
	deployments, err := o.documents.load(ctx, s.In)
	if err != nil {
		return err
	}
	reportRemarks(s, deployments)
	trees, err := o.trees(ctx, s, deployments)
	if err != nil {
		return err
	}
	if o.env != "" {
		return o.print(s, trees)
	}
	if !o.shared {
		remindShared(s, deployments...)
	}
	return o.write(ctx, s, deployments, trees)
}

// remindShared tells what of the documents is left out of a model's own tree.
func remindShared(s Streams, deployments ...*spec.Deployment) {
	var fields []string
	for _, m := range deployments {
		fields = append(fields, m.SharedFields()...)
	}
	if slices.Sort(fields); len(fields) > 0 {
		fmt.Fprintf(s.Err, "written with --shared alone, for all documents of a run: %s\n", strings.Join(slices.Compact(fields), ", "))
	}
}

func (o *renderOptions) trees(ctx context.Context, s Streams, deployments []*spec.Deployment) ([]*render.Tree, error) {
	if o.env == "" {
		if err := chooseEngines(o.output, o.gitops, deployments); err != nil {
			return nil, err
		}
		if err := spec.CheckSync(deployments, o.shared); err != nil {
			return nil, err
		}
	}
	p := newProgress(s.Err, "rendering", len(deployments))
	defer p.stop()
	generator := render.NewGenerator()
	trees := make([]*render.Tree, 0, len(deployments)+1)
	for _, deployment := range deployments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tree, err := generator.Tree(deployment)
		if err != nil {
			return nil, err
		}
		if o.env == "" {
			tree.Release()
		}
		trees = append(trees, tree)
		p.step()
	}
	if o.shared {
		tree, err := generator.Shared(deployments)
		if err != nil {
			return nil, err
		}
		if tree == nil {
			fmt.Fprintln(s.Err, "the documents share nothing: no namespace but default, no gateway, no strict mTLS")
			return trees, nil
		}
		trees = append(trees, tree)
	}
	return trees, nil
}

// print writes one environment of every document that has it.
func (o *renderOptions) print(s Streams, trees []*render.Tree) error {
	known := map[string]bool{}
	first := true
	var without []string
	for _, tree := range trees {
		if !slices.ContainsFunc(tree.Environments, func(e render.Environment) bool { return e.Name == o.env }) {
			without = append(without, tree.Name)
		}
		for _, environment := range tree.Environments {
			known[environment.Name] = true
			if environment.Name != o.env {
				continue
			}
			stream, err := environment.Stream()
			if err != nil {
				return err
			}
			if !first {
				fmt.Fprintln(s.Out, "---")
			}
			first = false
			if _, err := s.Out.Write(stream); err != nil {
				return fmt.Errorf("writing to standard output: %w", err)
			}
		}
	}
	if first {
		return usagef("there is no environment %q; there is %s", o.env, strings.Join(sortedKeys(known), ", "))
	}
	if len(without) > 0 {
		fmt.Fprintf(s.Err, "without an environment %s, and so not printed: %s\n", o.env, strings.Join(without, ", "))
	}
	return nil
}

func (o *renderOptions) write(ctx context.Context, s Streams, deployments []*spec.Deployment, trees []*render.Tree) error {
	if o.check {
		return o.compare(s, trees)
	}
	if err := o.recover(s); err != nil {
		return err
	}
	update, err := reconcile(o.output, trees, render.Options{Force: o.force})
	if err != nil {
		return err
	}
	var documents []adoption
	if o.adopt {
		documents, deployments, err = adopt(deployments, update.Conflicts)
		if err != nil {
			return err
		}
	}
	if len(documents) > 0 {
		if trees, err = o.trees(ctx, s, deployments); err != nil {
			return err
		}
		if update, err = reconcile(o.output, trees, render.Options{}); err != nil {
			return err
		}
	}
	if len(update.Conflicts) > 0 {
		return reportConflicts(s, o.output, update.Conflicts)
	}
	for _, kept := range update.Kept {
		fmt.Fprintf(s.Err, "%s: its environment is gone; it holds work of yours and was kept\n", filepath.Join(o.output, kept))
	}
	if o.dryRun {
		reportDryRun(s, o.output, documents, trees, update)
		return nil
	}
	for _, document := range documents {
		if err := document.write(ctx, s); err != nil {
			return err
		}
	}
	return o.commit(ctx, s, trees, update)
}

// compare says whether the directory is current.
func (o *renderOptions) compare(s Streams, trees []*render.Tree) error {
	changes, err := render.Changes()
	if err != nil {
		return err
	}
	update, err := reconcile(o.output, trees, render.Options{Changes: changes})
	if err != nil {
		return err
	}
	if !o.explain {
		return reportCheck(s, o.output, update)
	}
	return explainCheck(s, o.output, o.report, update)
}

// recover finishes or undoes what an interrupted run left, unless nothing may be changed.
func (o *renderOptions) recover(s Streams) error {
	if o.dryRun {
		return nil
	}
	done, err := txn.Recover(o.output, nil)
	if done != "" {
		fmt.Fprintf(s.Err, "%s: %s\n", o.output, done)
	}
	return err
}

func (o *renderOptions) commit(ctx context.Context, s Streams, trees []*render.Tree, update render.Update) error {
	p := newProgress(s.Err, "writing", len(update.Changes))
	defer p.stop()
	result, err := txn.Commit(ctx, o.output, update.Changes, txn.Options{
		Last:     func(path string) bool { return filepath.Base(path) == render.LockFile },
		Progress: p.set,
	})
	p.stop()
	if result.Recovered != "" {
		fmt.Fprintf(s.Err, "%s: %s\n", o.output, result.Recovered)
	}
	if err != nil {
		return err
	}
	summarize(s, o.output, trees, result.Written, result.Removed)
	return nil
}

// reconcile reads the output directory through a root that nothing leads out of.
func reconcile(output string, trees []*render.Tree, opts render.Options) (render.Update, error) {
	var files []string
	for _, tree := range trees {
		files = append(files, tree.Paths()...)
	}
	if err := txn.InTheWay(output, files); err != nil {
		return render.Update{}, err
	}
	root, err := os.OpenRoot(output)
	if errors.Is(err, fs.ErrNotExist) {
		return render.Reconcile(render.Empty(), trees, opts)
	}
	if err != nil {
		return render.Update{}, err
	}
	defer root.Close()
	return render.Reconcile(root.FS(), trees, opts)
}
