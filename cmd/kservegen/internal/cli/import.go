package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/txn"
)

type importOptions struct {
	files     []string
	envs      []string
	output    string
	report    string
	force     bool
	strict    bool
	inference importer.Options
}

func newImport(s Streams) *cobra.Command {
	o := &importOptions{}
	cmd := &cobra.Command{
		Use:   "import -f PATH...",
		Short: "Propose a document for what serves a model already",
		Long: `Read InferenceServices and their ServingRuntimes, or Deployments that run vLLM, with what is around them (Istio's
routes and policies, autoscalers, claims, accounts, monitors), and write the ModelDeployment that comes nearest.

Every field that the document does not carry is told on standard error, with its place, the reason and what to do. That
list is computed: the document is rendered, and each object is compared with what became of it. What the tree has and
the input does not is told as well. Fields of the document that say what kservegen would choose anyway are left out.

PATH is read as validate reads it: a tree or a folder of overlays gives one environment each, called by its folder.
Exit 0 where a document could be proposed, whatever it does not carry; with --strict, 1 where it does not carry all.`,
		Example: `  kservegen import -f deployment.yaml > deepseek.yaml
  helm template chart | kservegen import -f - --accelerator a10g -o deepseek.yaml
  kservegen import -f deploy/deepseek-r1                          every overlay of a tree
  kservegen import -f manifests/dev -f manifests/production       two environments, called by their folders
  kservegen import -f dev.yaml --env dev -f prod.yaml --env production
  kservegen import -f manifests --strict --report json > deepseek.yaml 2> report.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "file, directory, kustomization or - for standard input; may be repeated")
	flags.StringArrayVar(&o.envs, "env", nil, "name of the environment that a -f holds; once for each -f, in their order")
	flags.StringVarP(&o.output, "output", "o", "", "file that the document goes to (default: standard output)")
	flags.BoolVar(&o.force, "force", false, "replace the file of -o")
	flags.BoolVar(&o.strict, "strict", false, "exit 1 where something is not carried; the document is written all the same")
	flags.StringVar(&o.report, "report", "text", "what is told on standard error: text or json")
	flags.StringVar(&o.inference.Accelerator, "accelerator", "", "device of a replica, where the input does not tell or tells wrong")
	flags.StringVarP(&o.inference.Namespace, "namespace", "n", "default", "namespace of objects that name none")
	_ = cmd.RegisterFlagCompletionFunc("accelerator", completeAccelerators)
	complete(cmd, "report", []string{"text", "json"})
	return cmd
}

// check refuses a wrong call before anything is read.
func (o *importOptions) check() error {
	switch {
	case len(o.files) == 0:
		return usagef("nothing to import; name it with -f PATH")
	case len(o.envs) > 0 && len(o.envs) != len(o.files):
		return usagef("%s for %s; --env names what each -f holds, in their order", finding.Plural(len(o.envs), "--env"), finding.Plural(len(o.files), "-f"))
	case o.report != "text" && o.report != "json":
		return usagef("--report %s is unknown; text or json", o.report)
	case o.force && o.output == "":
		return usagef("--force is about the file of -o")
	}
	if err := exist(o.files); err != nil {
		return err
	}
	if _, err := os.Lstat(o.output); o.output != "" && !o.force && !errors.Is(err, fs.ErrNotExist) {
		return usagef("%s is there already; --force replaces it", o.output)
	}
	return nil
}

func (o *importOptions) run(ctx context.Context, s Streams) error {
	if err := o.check(); err != nil {
		return err
	}
	proposal, err := interruptible(ctx, func() (*importer.Proposal, error) {
		in, readErr := importer.Read(ctx, o.files, o.envs, s.In)
		if readErr != nil {
			return nil, readErr
		}
		return importer.Import(in, o.inference)
	})
	if err != nil {
		return asUsage(err)
	}
	if err := o.write(ctx, s, proposal); err != nil {
		return err
	}
	if err := o.tell(s, proposal); err != nil {
		return err
	}
	if o.strict && len(proposal.Losses) > 0 {
		return errFindings
	}
	return nil
}

// asUsage takes what cannot be imported for a wrong call; problems of files and interrupts have words of their own.
func asUsage(err error) error {
	var problems manifest.Problems
	if errors.As(err, &problems) || errors.Is(err, context.Canceled) {
		return err
	}
	return usageError{err}
}

func (o *importOptions) write(ctx context.Context, s Streams, proposal *importer.Proposal) error {
	if o.output == "" {
		if _, err := fmt.Fprint(s.Out, proposal.Document); err != nil {
			return fmt.Errorf("writing to standard output: %w", err)
		}
		return nil
	}
	change := txn.Change{Path: filepath.Base(o.output), Data: []byte(proposal.Document)}
	_, err := txn.Commit(ctx, filepath.Dir(o.output), []txn.Change{change}, txn.Options{})
	return err
}

func (o *importOptions) tell(s Streams, proposal *importer.Proposal) error {
	if o.report == "json" {
		return writeJSON(s.Err, proposal)
	}
	for _, l := range proposal.Losses {
		fmt.Fprintln(s.Err, l)
	}
	for _, line := range addedLines(proposal.Added) {
		fmt.Fprintln(s.Err, line)
	}
	for _, q := range proposal.Questions {
		fmt.Fprintf(s.Err, "to check: %s: %s\n", q.Field, q.Text)
	}
	fmt.Fprintln(s.Err, summaryOf(proposal))
	return nil
}

// addedLines has one line for all objects that are added, and one for the settings of each other.
func addedLines(added []importer.Addition) []string {
	var (
		objects  []string
		others   []string
		settings = map[string][]string{}
	)
	for _, a := range added {
		object := a.Object.String()
		if a.Setting == "" {
			objects = append(objects, object)
			continue
		}
		if settings[object] == nil {
			others = append(others, object)
		}
		settings[object] = append(settings[object], a.Setting)
	}
	var lines []string
	if len(objects) > 0 {
		lines = append(lines, "added: "+strings.Join(objects, ", "))
	}
	for _, object := range others {
		lines = append(lines, "added to "+object+": "+strings.Join(settings[object], " "))
	}
	return lines
}

// summaryOf counts in one line.
func summaryOf(proposal *importer.Proposal) string {
	summary := []string{"everything is carried"}
	switch n := len(proposal.Losses); n {
	case 0:
	case 1:
		summary[0] = "1 value is not carried"
	default:
		summary[0] = fmt.Sprintf("%d values are not carried", n)
	}
	settings := 0
	for _, a := range proposal.Added {
		if a.Setting != "" {
			settings++
		}
	}
	if n := len(proposal.Added) - settings; n > 0 {
		summary = append(summary, finding.Plural(n, "object")+" added (spec.omit leaves some out; who may call is in spec.expose and spec.security)")
	}
	if settings > 0 {
		summary = append(summary, finding.Plural(settings, "setting")+" added")
	}
	if n := len(proposal.Questions); n > 0 {
		summary = append(summary, finding.Plural(n, "field")+" to check")
	}
	return strings.Join(summary, ", ")
}
