package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
)

// errUndecided ends an analysis without a verdict; the words are out already.
var errUndecided = errors.New("not enough data")

type analyzeOptions struct {
	documents        documentFlags
	env, output      string
	baseline, canary string
	gateFlags
	window       time.Duration
	since, until string
	windowed     bool // whether --window was given
	start, end   time.Time
	now          func() time.Time
}

func newCanaryAnalyze(s Streams) *cobra.Command {
	o := &analyzeOptions{now: time.Now}
	cmd := &cobra.Command{
		Use:   "analyze",
		Short: "Say from Prometheus whether a canary is worse than the revision that it is to replace",
		Long: `Compare two revisions of a model over the same time: errors, time to first token, time between tokens, queue,
preemptions, aborted and cut answers, length of answers, tokens per second, KV cache. The verdict is pass, fail, or
not enough data. Look as often as you like at a window with a fixed beginning (--since): the probability of ever
failing a canary that is not worse stays under --false-alarms. How it works and what it cannot see: docs/canary-gate.md.

The exit code is 0 for pass, 1 for fail, 4 for not enough data, 2 for a wrong call, 3 where Prometheus cannot be asked.`,
		Example: `  kservegen canary analyze -f deepseek.yaml --env production --prometheus https://prometheus.example.com --bearer-token-file token
  kservegen canary analyze -f deepseek.yaml --env production --prometheus http://localhost:9090 --since 2026-11-30T12:00:00Z -o markdown
  kservegen canary analyze -f deepseek.yaml --env staging --prometheus http://localhost:9090 --margin ttft-p95=0.1 --slo errors=0.01`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.windowed = cmd.Flags().Changed("window")
			return o.run(cmd.Context(), s)
		},
	}
	o.register(cmd)
	return cmd
}

func (o *analyzeOptions) register(cmd *cobra.Command) {
	o.documents.register(cmd)
	o.gateFlags.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.env, "env", "", "environment of the document (default its only one)")
	flags.StringVar(&o.canary, "canary", "", "revision that is judged (default the other one of two)")
	flags.StringVar(&o.baseline, "baseline", "", "revision that it is compared with (default the first with a share of the traffic)")
	flags.DurationVar(&o.window, "window", 30*time.Minute, "how much time is looked at, the warm-up included")
	flags.StringVar(&o.since, "since", "", "when the canary's step began, as 2026-11-30T12:00:00Z, instead of --window")
	flags.StringVar(&o.until, "until", "", "end of the time that is looked at (default now)")
	flags.StringVarP(&o.output, "output", "o", "text", "text, json or markdown")
	complete(cmd, "output", []string{"text", "json", "markdown"})
}

func (o *analyzeOptions) validate() error {
	switch {
	case o.output != "text" && o.output != "json" && o.output != "markdown":
		return usagef("-o %s is unknown; text, json or markdown", o.output)
	case o.since != "" && o.windowed:
		return usagef("--since and --window exclude each other")
	}
	if err := o.gateFlags.validate(); err != nil {
		return err
	}
	return o.times()
}

// times settles the beginning and the end, on whole blocks.
func (o *analyzeOptions) times() error {
	until, err := moment("until", o.until, o.now())
	if err != nil {
		return err
	}
	start, err := moment("since", o.since, until.Truncate(o.block).Add(-o.window))
	if err != nil {
		return err
	}
	blocks := int(until.Sub(start) / o.block)
	switch {
	case blocks <= o.gate.WarmUp:
		return usagef("from %s to %s is no longer than the warm-up of %s and one interval", start.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339), o.warmUp)
	case blocks > metrics.Longest:
		return usagef("%d intervals are more than the %d that are looked at; a longer --interval makes fewer", blocks, metrics.Longest)
	}
	o.start, o.end = start, start.Add(time.Duration(blocks)*o.block)
	return nil
}

func moment(flag, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usagef("--%s %s; want a time such as 2026-11-30T12:00:00Z", flag, text)
	}
	return at, nil
}

func (o *analyzeOptions) run(ctx context.Context, s Streams) error {
	if err := o.validate(); err != nil {
		return err
	}
	target, err := o.target(ctx, s)
	if err != nil {
		return err
	}
	pair, err := o.pair(target)
	if err != nil {
		return err
	}
	source, err := o.access.Dial()
	if err != nil {
		return usageError{err}
	}
	span := metrics.Span{Start: o.start, Block: o.block, Blocks: int(o.end.Sub(o.start) / o.block)}
	read, err := metrics.Read(ctx, source, metrics.Profile(o.profile), pair, span)
	if err != nil {
		return err
	}
	if err = read.Data.Check(); err != nil {
		return fmt.Errorf("what Prometheus has cannot be: %w", err)
	}
	report, err := gate.Judge(read.Data, o.gate)
	if err != nil {
		return usageError{err}
	}
	return o.print(s, gate.Analysis{
		Model: target.Name, Namespace: target.Namespace, Environment: target.Environment, Baseline: pair.Baseline.Name, Canary: pair.Canary.Name,
		Profile: o.profile, Since: o.start, Until: o.end, Block: int(o.block / time.Second), Notes: read.Notes, Report: report,
	})
}

func (o *analyzeOptions) print(s Streams, a gate.Analysis) error {
	var err error
	switch o.output {
	case "json":
		err = writeJSON(s.Out, a)
	case "markdown":
		err = a.WriteMarkdown(s.Out)
	default:
		err = a.WriteText(s.Out)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	switch a.Report.Verdict {
	case gate.Fail:
		return errFindings
	case gate.Undecided:
		return errUndecided
	case gate.Pass:
	}
	return nil
}
