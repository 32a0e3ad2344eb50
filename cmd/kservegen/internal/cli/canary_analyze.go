package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	access           metrics.Access
	profile          string
	window, warmUp   time.Duration
	block            time.Duration
	since, until     string
	gate             gate.Config
	margins, limits  []string
	windowed         bool // whether --window was given
	start, end       time.Time
	now              func() time.Time
}

func newCanaryAnalyze(s Streams) *cobra.Command {
	o := &analyzeOptions{gate: gate.Defaults(), now: time.Now}
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
	flags := cmd.Flags()
	flags.StringVar(&o.env, "env", "", "environment of the document (default its only one)")
	flags.StringVar(&o.canary, "canary", "", "revision that is judged (default the other one of two)")
	flags.StringVar(&o.baseline, "baseline", "", "revision that it is compared with (default the first with a share of the traffic)")
	flags.StringVar(&o.access.URL, "prometheus", "", "URL of Prometheus")
	flags.StringVar(&o.access.Username, "username", "", "user for basic authentication")
	flags.StringVar(&o.access.PasswordFile, "password-file", "", "file with the password")
	flags.StringVar(&o.access.TokenFile, "bearer-token-file", "", "file with a bearer token")
	flags.StringVar(&o.access.CAFile, "ca-file", "", "certificates that Prometheus' own is checked by (default the system's)")
	flags.StringVar(&o.access.CertFile, "cert-file", "", "certificate of the client")
	flags.StringVar(&o.access.KeyFile, "key-file", "", "its key")
	flags.StringVar(&o.access.ServerName, "server-name", "", "name in Prometheus' certificate (default the URL's host)")
	flags.StringVar(&o.profile, "profile", string(metrics.Istio), "where the errors come from: istio, envoy or vllm")
	flags.DurationVar(&o.window, "window", 30*time.Minute, "how much time is looked at, the warm-up included")
	flags.StringVar(&o.since, "since", "", "when the canary's step began, as 2026-11-30T12:00:00Z, instead of --window")
	flags.StringVar(&o.until, "until", "", "end of the time that is looked at (default now)")
	flags.DurationVar(&o.warmUp, "warm-up", 5*time.Minute, "how much of its beginning is not judged")
	flags.DurationVar(&o.block, "interval", time.Minute, "what the time is cut into; at least two scrapes of Prometheus long")
	flags.IntVar(&o.gate.MinRequests, "min-requests", o.gate.MinRequests, "requests of each revision that a pass takes")
	flags.Float64Var(&o.gate.FalseAlarms, "false-alarms", o.gate.FalseAlarms, "probability of ever failing a canary that is not worse")
	flags.Float64Var(&o.gate.Misses, "misses", o.gate.Misses, "probability of passing one that is worse by a margin")
	flags.StringArrayVar(&o.margins, "margin", nil, "by how much a metric may be worse, such as ttft-p95=0.2; may be repeated")
	flags.StringArrayVar(&o.limits, "slo", nil, "what the canary must keep, such as errors=0.01 or ttft-p95=2.5; may be repeated")
	flags.StringArrayVar(&o.gate.Ignore, "ignore", nil, "metric that is not compared; may be repeated")
	flags.StringVarP(&o.output, "output", "o", "text", "text, json or markdown")
	complete(cmd, "output", []string{"text", "json", "markdown"})
	complete(cmd, "profile", []string{string(metrics.Istio), string(metrics.Envoy), string(metrics.VLLM)})
	complete(cmd, "ignore", gate.Names())
	for _, file := range []string{"password-file", "bearer-token-file", "ca-file", "cert-file", "key-file"} {
		_ = cmd.MarkFlagFilename(file)
	}
}

func (o *analyzeOptions) validate() error {
	switch {
	case o.output != "text" && o.output != "json" && o.output != "markdown":
		return usagef("-o %s is unknown; text, json or markdown", o.output)
	case o.access.URL == "":
		return usagef("which Prometheus? --prometheus URL")
	case !metrics.Profile(o.profile).Known():
		return usagef("--profile %s is unknown; istio, envoy or vllm", o.profile)
	case o.since != "" && o.windowed:
		return usagef("--since and --window exclude each other")
	case o.block < time.Second || o.block%time.Second != 0:
		return usagef("--interval %s; want whole seconds", o.block)
	case o.warmUp < 0:
		return usagef("--warm-up %s is negative", o.warmUp)
	}
	if err := o.access.Check(); err != nil {
		return usageError{err}
	}
	return o.validateGate()
}

// validateGate reads what the gate is to be like.
func (o *analyzeOptions) validateGate() (err error) {
	if o.gate.Margins, err = numbers("margin", o.margins); err != nil {
		return err
	}
	if o.gate.Limits, err = numbers("slo", o.limits); err != nil {
		return err
	}
	o.gate.WarmUp = int((o.warmUp + o.block - 1) / o.block)
	if err = o.gate.Check(); err != nil {
		return usageError{err}
	}
	return o.times()
}

// numbers reads NAME=NUMBER.
func numbers(flag string, given []string) (map[string]float64, error) {
	found := map[string]float64{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		number, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			return nil, usagef("--%s %s; want a metric and a number, such as ttft-p95=0.2", flag, text)
		}
		if _, twice := found[name]; twice {
			return nil, usagef("--%s is given twice for %s", flag, name)
		}
		found[name] = number
	}
	return found, nil
}

// most is how many intervals are looked at: twelve hours of minutes. Of more the arithmetic takes minutes, and Prometheus answers
// with 11,000 values at most (web/api/v1/api.go).
const most = 720

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
	case blocks > most:
		return usagef("%d intervals are more than the %d that are looked at; a longer --interval makes fewer", blocks, most)
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
