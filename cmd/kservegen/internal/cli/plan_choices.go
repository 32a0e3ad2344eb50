package cli

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/plan"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// choiceFlags say what instance types are chosen for.
type choiceFlags struct {
	prices string
	load   sizing.Load
}

func (f *choiceFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.prices, "prices", "", "instance types and prices, in the form of the catalogue's instances.yaml (default the catalogue's)")
	flags.Float64Var(&f.load.Requests, "requests-per-second", 0, "rate of all replicas together; narrows the choices, or says how many replicas on --gpu")
	flags.Float64Var(&f.load.Input, "input-tokens", 2000, "tokens of a prompt")
	flags.Float64Var(&f.load.Output, "output-tokens", 500, "tokens of an answer")
	flags.Float64Var(&f.load.FirstToken, "ttft", 0, "longest wait for the first token in seconds (default none)")
	flags.Float64Var(&f.load.NextToken, "itl", 0, "longest wait for each other token in seconds (default none)")
	_ = cmd.MarkFlagFilename("prices", "yaml", "yml")
}

// validate refuses what is no number of the kind.
func (f *choiceFlags) validate() error {
	for name, value := range map[string]float64{
		"requests-per-second": f.load.Requests, "input-tokens": f.load.Input, "output-tokens": f.load.Output, "ttft": f.load.FirstToken, "itl": f.load.NextToken,
	} {
		if !(value >= 0 && value <= 1e9) {
			return usagef("--%s %g: want 0 to 1e9", name, value)
		}
	}
	if f.load.Context() < 1 {
		return usagef("--input-tokens and --output-tokens: want at least one token")
	}
	return nil
}

// asked says whether a flag names a load.
func (f *choiceFlags) asked(changed func(string) bool) bool {
	return slices.ContainsFunc([]string{"requests-per-second", "input-tokens", "output-tokens", "ttft", "itl"}, changed)
}

// machines reads the instance types; label says of which day their prices are.
func (f *choiceFlags) machines() (machines []sizing.Machine, label string, err error) {
	var list catalog.Instances
	if f.prices == "" {
		list, err = catalog.EC2Instances()
	} else {
		var data []byte
		if data, err = os.ReadFile(f.prices); err == nil {
			list, err = catalog.ParseInstances(f.prices, data)
		}
	}
	if err != nil {
		return nil, "", err
	}
	machines, err = plan.Machines(list)
	label = "none"
	if list.Prices.Day != "" {
		label = fmt.Sprintf("on demand, %s, %s", list.Prices.Region, list.Prices.Day)
	}
	return machines, label, err
}

// choose prints the instance types that hold the model.
func (o *planOptions) choose(s Streams) error {
	model, err := o.findModel()
	if err != nil {
		return usageError{err}
	}
	settings, err := o.flagSettings()
	if err != nil {
		return usageError{err}
	}
	if settings.MaxModelLen == 0 {
		settings.MaxModelLen = sizing.AutoModelLen
	}
	// A size that was not asked for is tried in all ways.
	for flag, size := range map[string]*int64{"tp": &settings.TensorParallel, "pp": &settings.PipelineParallel} {
		if !o.changed(flag) {
			*size = 0
		}
	}
	machines, prices, err := o.choice.machines()
	if err != nil {
		return usageError{err}
	}
	choices := plan.Choose(model, settings, machines, prices, o.choice.load)
	if o.output == "json" {
		err = writeJSON(s.Out, choices)
	} else {
		err = choices.WriteText(s.Out)
	}
	if err == nil && len(choices.Choices) == 0 {
		return errFindings
	}
	return err
}
