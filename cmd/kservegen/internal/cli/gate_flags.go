package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
)

// gateFlags say which Prometheus is asked, and how a canary is judged by its answers.
type gateFlags struct {
	access          metrics.Access
	profile         string
	warmUp          time.Duration
	block           time.Duration
	gate            gate.Config
	margins, limits []string
	// elsewhere is set where the files that are named are not those of this machine.
	elsewhere bool
}

func (o *gateFlags) register(cmd *cobra.Command) {
	o.gate = gate.Defaults()
	flags := cmd.Flags()
	flags.StringVar(&o.access.URL, "prometheus", "", "URL of Prometheus")
	flags.StringVar(&o.access.Username, "username", "", "user for basic authentication")
	flags.StringVar(&o.access.PasswordFile, "password-file", "", "file with the password")
	flags.StringVar(&o.access.TokenFile, "bearer-token-file", "", "file with a bearer token")
	flags.StringVar(&o.access.CAFile, "ca-file", "", "certificates that Prometheus' own is checked by (default the system's)")
	flags.StringVar(&o.access.CertFile, "cert-file", "", "certificate of the client")
	flags.StringVar(&o.access.KeyFile, "key-file", "", "its key")
	flags.StringVar(&o.access.ServerName, "server-name", "", "name in Prometheus' certificate (default the URL's host)")
	flags.StringVar(&o.profile, "profile", string(metrics.Istio), "where the errors come from: istio, envoy or vllm")
	flags.DurationVar(&o.warmUp, "warm-up", 5*time.Minute, "how much of its beginning is not judged")
	flags.DurationVar(&o.block, "interval", time.Minute, "what the time is cut into; at least two scrapes of Prometheus long")
	flags.IntVar(&o.gate.MinRequests, "min-requests", o.gate.MinRequests, "requests of each revision that a pass takes")
	flags.Float64Var(&o.gate.FalseAlarms, "false-alarms", o.gate.FalseAlarms, "probability of ever failing a canary that is not worse")
	flags.Float64Var(&o.gate.Misses, "misses", o.gate.Misses, "probability of passing one that is worse by a margin")
	flags.StringArrayVar(&o.margins, "margin", nil, "by how much a metric may be worse, such as ttft-p95=0.2; may be repeated")
	flags.StringArrayVar(&o.limits, "slo", nil, "what the canary must keep, such as errors=0.01 or ttft-p95=2.5; may be repeated")
	flags.StringArrayVar(&o.gate.Ignore, "ignore", nil, "metric that is not compared; may be repeated")
	complete(cmd, "profile", []string{string(metrics.Istio), string(metrics.Envoy), string(metrics.VLLM)})
	complete(cmd, "ignore", gate.Names())
	for _, file := range []string{"password-file", "bearer-token-file", "ca-file", "cert-file", "key-file"} {
		_ = cmd.MarkFlagFilename(file)
	}
}

func (o *gateFlags) validate() (err error) {
	switch {
	case o.access.URL == "":
		return usagef("which Prometheus? --prometheus URL")
	case !metrics.Profile(o.profile).Known():
		return usagef("--profile %s is unknown; istio, envoy or vllm", o.profile)
	case o.block < time.Second || o.block%time.Second != 0:
		return usagef("--interval %s; want whole seconds", o.block)
	case o.warmUp < 0:
		return usagef("--warm-up %s is negative", o.warmUp)
	}
	check := o.access.Check
	if o.elsewhere {
		check = o.access.CheckElsewhere
	}
	if err = check(); err != nil {
		return usageError{err}
	}
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
	return nil
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
