package plan

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kservegen/kservegen/pkg/sizing"
)

// ChoiceAnswer is a machine that holds a model, as -o json prints it.
type ChoiceAnswer struct {
	Instance string `json:"instance"`
	GPU      string `json:"gpu"`
	Devices  int64  `json:"devices"`

	TensorParallel   int64 `json:"tensorParallel"`
	PipelineParallel int64 `json:"pipelineParallel"`
	Replicas         int64 `json:"replicasPerInstance"`

	Tight       bool  `json:"tight"`
	KVTokens    int64 `json:"kvTokensPerReplica"`
	MaxModelLen int64 `json:"maxModelLen"`
	// Users is how many sequences of the stated context one instance holds at once.
	Users int64 `json:"users"`

	// Instances that the rate needs; USDPerHour for all of them, 0 where there is no price.
	Instances  int64   `json:"instances"`
	USDPerHour float64 `json:"usdPerHour,omitempty"`

	// What follows is an estimate by a roofline, 0 where the device's speed is unknown.
	TokensPerSecond float64 `json:"estimatedTokensPerSecond,omitempty"`
	FirstToken      float64 `json:"estimatedTTFTSeconds,omitempty"`
	NextToken       float64 `json:"estimatedITLSeconds,omitempty"`
	// USDPerMillion is the price of a million tokens put out by instances that are never idle.
	USDPerMillion float64 `json:"estimatedUSDPerMillionTokens,omitempty"`
}

// Choices is what -o json prints.
type Choices struct {
	Model string `json:"model"`
	// Prices says of which day and region they are.
	Prices      string         `json:"prices"`
	Context     int64          `json:"contextTokens"`
	Assumptions []string       `json:"assumptions"`
	Choices     []ChoiceAnswer `json:"choices"`
	// Unjudged are GPUs that a rate or a limit rules out because the catalogue does not know how fast they are.
	Unjudged []string `json:"unjudged,omitempty"`
}

// Choose lists the machines that hold a model for a load.
func Choose(m Model, s sizing.Settings, machines []sizing.Machine, prices string, l sizing.Load) Choices {
	out := Choices{
		Model: m.Name, Prices: prices, Context: int64(l.Context()), Choices: []ChoiceAnswer{},
		Assumptions: rooflineAssumptions(l),
	}
	if l.Requests > 0 || l.FirstToken > 0 || l.NextToken > 0 {
		out.Unjudged = unjudged(machines)
	}
	for _, c := range sizing.Choices(m.Architecture, m.Weights, s, machines, l) {
		out.Choices = append(out.Choices, choiceAnswer(c, l))
	}
	return out
}

func unjudged(machines []sizing.Machine) []string {
	var out []string
	for _, m := range machines {
		if m.Speed.Bandwidth == 0 || m.Speed.Operations16 == 0 {
			out = append(out, m.GPU.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func choiceAnswer(c sizing.Choice, l sizing.Load) ChoiceAnswer {
	users := int64(float64(c.Result.KVTokens)/max(l.Context(), 1)) * c.Replicas
	return ChoiceAnswer{
		Instance: c.Machine.Name, GPU: c.Machine.GPU.Name, Devices: c.Machine.Devices,
		TensorParallel: c.TensorParallel, PipelineParallel: c.PipelineParallel, Replicas: c.Replicas,
		Tight: c.Result.Tight, KVTokens: c.Result.KVTokens, MaxModelLen: c.Result.MaxModelLen, Users: min(users, c.Result.Settings.MaxSequences*c.Replicas),
		Instances: c.Machines, USDPerHour: round(c.PerHour, 10000),
		TokensPerSecond: round(c.Capacity.TokensPerSecond*float64(c.Replicas), 1), FirstToken: round(c.Capacity.FirstToken, 1000),
		NextToken: round(c.Capacity.NextToken, 10000), USDPerMillion: round(c.PerMillion, 1000),
	}
}

// WriteText prints the choices for a person, the cheapest first.
func (c Choices) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s tokens of context; prices: %s\n\n", c.Model, thousands(c.Context), c.Prices)
	if len(c.Unjudged) > 0 {
		fmt.Fprintf(w, "Left out, since the catalogue does not know how fast they are: %s\n\n", strings.Join(c.Unjudged, ", "))
	}
	if len(c.Choices) == 0 {
		fmt.Fprintln(w, "No instance type of the list holds it for this load.")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "instance\tGPUs\tlayout\tusers\tlongest\tinstances\t$/hour\ttokens/s*\tTTFT*\tITL*\t$/M tokens*\t")
	for _, a := range c.Choices {
		note := ""
		if a.Tight {
			note = " tight"
		}
		fmt.Fprintf(table, "%s\t%d %s\t%d×%d×%d\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", a.Instance, a.Devices, a.GPU, a.Replicas, a.TensorParallel, a.PipelineParallel,
			thousands(a.Users), thousands(a.MaxModelLen), a.Instances, known("%.2f", a.USDPerHour), known("%.0f", a.TokensPerSecond),
			known("%.2f s", a.FirstToken), known("%.0f ms", a.NextToken*1000), known("%.2f", a.USDPerMillion), note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nreplicas × tensor × pipeline parallel. * an estimate by a roofline, per instance:")
	for _, line := range c.Assumptions {
		fmt.Fprintf(w, "  %s\n", line)
	}
	return nil
}

func known(format string, x float64) string {
	if x == 0 {
		return "?"
	}
	return fmt.Sprintf(format, x)
}
