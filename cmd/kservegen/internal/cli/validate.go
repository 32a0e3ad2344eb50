package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/report"
	"github.com/kservegen/kservegen/pkg/validate"
)

type validateOptions struct {
	output string
	failOn string
	ignore []string
	fix    bool
	checks checkOptions
}

func newValidate(s Streams) *cobra.Command {
	o := &validateOptions{}
	cmd := &cobra.Command{
		Use:   "validate PATH...",
		Short: "Say what the API server will refuse, and what it will accept and then go wrong",
		Long: `Judge what the paths hold: a directory with a kustomization.yaml, a tree of them (every overlay that no other
one uses), files or a directory of manifests, ModelDeployments, or a stream on standard input (-).
Nothing is fetched, and no cluster is asked without --server. Each finding has its file and line; kservegen explain CODE says more.

A kustomization, a file that is named and a stream are judged as all there is, as kubectl apply takes them. Of files
that are found in a directory, what follows from what is not among them informs; what two of them disagree about is
an error there, too. The summary says where a level was lowered.

Exit 1 where a finding is at or over --fail-on. A file that cannot be read is a finding and hides no other.`,
		Example: `  kservegen validate deploy                              every overlay below deploy/
  kservegen validate deploy/deepseek-r1/overlays/production
  kservegen validate deepseek.yaml                       every environment of the document
  helm template chart | kservegen validate -
  kservegen validate deploy --server                    and what the current cluster says
  kservegen validate deploy -o sarif > kservegen.sarif   for code scanning
  kservegen validate manifests --fix                     make the fixes that need no judgement
  kservegen validate deploy --fail-on warning --ignore KG0203="tested by its own host first"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), s, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "text", strings.Join(report.Formats(), ", "))
	flags.StringVar(&o.failOn, "fail-on", finding.Error.String(), "exit 1 from this level on: "+strings.Join(levels(), ", "))
	flags.StringArrayVar(&o.ignore, "ignore", nil, "leave out a code, with the reason: CODE[@Kind/[namespace/]name]=reason; may be repeated")
	flags.BoolVar(&o.fix, "fix", false, "edit the files where a fix needs no judgement, then validate again; comments stay")
	o.checks.register(cmd)
	complete(cmd, "output", report.Formats())
	complete(cmd, "fail-on", levels())
	return cmd
}

// complete lets the shell offer the values of a flag.
func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// levels are what --fail-on takes, the worst first.
func levels() []string {
	return []string{finding.Error.String(), finding.Warning.String(), finding.Info.String()}
}

func (o *validateOptions) run(ctx context.Context, s Streams, paths []string) error {
	start := time.Now()
	options, err := o.options()
	if err != nil {
		return err
	}
	if err = exist(paths); err != nil {
		return err
	}
	stdin, err := o.readStdin(ctx, s, paths, &options)
	if err != nil {
		return err
	}
	result, err := o.judge(ctx, s, paths, options)
	if err != nil {
		return err
	}
	if err := o.print(s, result, stdin); err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "%s  (%.1f s)\n", result.Summary(), time.Since(start).Seconds())
	if code := worst(result.Findings); code != "" && o.output == "text" {
		fmt.Fprintf(s.Err, "kservegen explain %s says more.\n", code)
	}
	if result.Failed() {
		return errFindings
	}
	return nil
}

// readStdin reads standard input where a path is -; what it holds is shown with the findings, too.
func (o *validateOptions) readStdin(ctx context.Context, s Streams, paths []string, options *validate.Options) ([]byte, error) {
	if !slices.Contains(paths, "-") {
		return nil, nil
	}
	if o.fix {
		return nil, usagef("--fix edits files; standard input is none")
	}
	// One byte more than the limit, so that load sees that it is too much.
	stdin, err := interruptible(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(s.In, maxStdin+1)) })
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	options.Load.Stdin = bytes.NewReader(stdin)
	options.Load.Limits.FileBytes = maxStdin
	return stdin, nil
}

// judge validates, and validates again what --fix has edited.
func (o *validateOptions) judge(ctx context.Context, s Streams, paths []string, options validate.Options) (report.Report, error) {
	p := newProgress(s.Err, "validating", 0)
	defer p.stop()
	options.Load.Progress = p.set
	result, err := validate.Run(ctx, paths, options)
	if err != nil || !o.fix {
		return result, err
	}
	p.stop()
	made, err := fix(ctx, s, result.Findings)
	if err != nil || made == 0 {
		return result, err
	}
	return validate.Run(ctx, paths, options)
}

// maxStdin is how much of standard input is read: what a chart of everything prints.
const maxStdin = 64 << 20

// options checks the flags; validation of the call before any work.
func (o *validateOptions) options() (validate.Options, error) {
	level := slices.Index(levels(), o.failOn)
	if level < 0 {
		return validate.Options{}, usagef("--fail-on %s is unknown; one of %s", o.failOn, strings.Join(levels(), ", "))
	}
	if !slices.Contains(report.Formats(), o.output) {
		return validate.Options{}, usagef("-o %s is unknown; one of %s", o.output, strings.Join(report.Formats(), ", "))
	}
	options := validate.Options{FailOn: []finding.Level{finding.Error, finding.Warning, finding.Info}[level], Version: release}
	for _, text := range o.ignore {
		one, err := validate.ParseSuppression(text)
		if err != nil {
			return options, usagef("--ignore %w", err)
		}
		if !slices.ContainsFunc(rules(), func(r finding.Rule) bool { return r.Code == one.Code }) {
			return options, usagef("--ignore: there is no rule %s; kservegen explain lists them", one.Code)
		}
		options.Suppress = append(options.Suppress, one)
	}
	var err error
	options.Checks, options.Dormant, err = o.checks.checks()
	return options, err
}

func (o *validateOptions) print(s Streams, result report.Report, stdin []byte) error {
	writer, err := report.For(o.output, &report.Source{Read: sourceOf(stdin)}, isTerminal(s.Out))
	if err != nil {
		return err
	}
	return writer.Write(s.Out, result)
}

// sourceOf reads the files that findings point to. They were read before, so they are regular and not too large.
func sourceOf(stdin []byte) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if name == load.StreamName {
			return stdin, nil
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxStdin {
			return nil, fmt.Errorf("%s cannot be shown", name)
		}
		return os.ReadFile(name)
	}
}

// isTerminal says whether colours will be understood and are wanted (no-color.org).
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// worst is the code to read about first: the first one of the worst level.
func worst(findings []finding.Finding) string {
	code, level := "", finding.Info-1
	for _, f := range findings {
		if f.Level > level {
			code, level = f.Code, f.Level
		}
	}
	return code
}
