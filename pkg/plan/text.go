package plan

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// barWidth is the characters of the bar that stand for a whole GPU.
const barWidth = 60

// piece is a part of the bar.
type piece struct {
	mark, name string
	gib        float64
}

func (a Answer) pieces() []piece {
	parts := []piece{{"W", "weights", a.WeightsGiB}, {"A", "activations", a.ActivationGiB}, {"N", "outside PyTorch", a.NonTorchGiB}}
	graphs := piece{"G", "CUDA graphs", a.GraphsGiB}
	cache := piece{"k", "KV cache", max(a.KVCacheGiB, 0)}
	if a.GraphsInBudget {
		return append(parts, graphs, cache)
	}
	return append(parts, cache, graphs)
}

// bar draws the parts of a GPU: each gets its share of the width, the last one what is left over by rounding.
func (a Answer) bar() string {
	var b strings.Builder
	sum, drawn := 0.0, 0
	for _, p := range a.pieces() {
		sum += p.gib
		end := min(int(math.Round(sum/a.GPUMemoryGiB*barWidth)), barWidth)
		if end > drawn {
			b.WriteString(strings.Repeat(p.mark, end-drawn))
			drawn = end
		}
	}
	return "[" + b.String() + strings.Repeat(".", barWidth-drawn) + "]"
}

// WriteText prints the answer for a person.
func (a Answer) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s on %s, vLLM %s\n", a.title(), a.devices(), a.VLLMVersion)
	fmt.Fprintf(w, "%s %.2f GiB\n\n", a.bar(), a.GPUMemoryGiB)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, p := range a.pieces() {
		amount := a.Explain[a.key(p.mark)]
		note := ""
		if p.mark == "G" && !a.GraphsInBudget {
			note = "on top of what is asked for"
		}
		fmt.Fprintf(table, "%s\t%s\t%.2f GiB\t%s\t  %s\n", p.mark, p.name, amount.Value, spread(amount.Low, amount.High), note)
	}
	fmt.Fprintf(table, ".\tleft of the GPU\t%.2f GiB\t\t  --gpu-memory-utilization %g\n", a.GPUMemoryGiB-a.RequestedGiB, a.Utilization)
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", a.verdict())
	WriteNodes(w, a.Nodes)
	for _, list := range []struct {
		name  string
		lines []string
	}{{"warning", a.Warnings}, {"assumed", a.Assumptions}} {
		for _, line := range list.lines {
			fmt.Fprintf(w, "%s: %s\n", list.name, line)
		}
	}
	if a.Load != nil && a.Fits {
		a.Load.WriteText(w)
	}
	return nil
}

func (a Answer) title() string {
	if a.Environment != "" || a.Revision != "" {
		return fmt.Sprintf("%s (%s, %s)", a.Model, a.Environment, a.Revision)
	}
	return a.Model
}

func (a Answer) devices() string {
	name := a.GPU
	if name == "" {
		name = "GPU"
	}
	return fmt.Sprintf("%d × %s (%.2f GiB each)", a.GPUsPerModel, name, a.GPUMemoryGiB)
}

func (a Answer) key(mark string) string {
	return map[string]string{"W": "weightsGiB", "A": "activationGiB", "N": "nonTorchGiB", "G": "graphsGiB", "k": "kvCacheGiB"}[mark]
}

func spread(low, high float64) string {
	if high-low < 0.005 {
		return ""
	}
	return fmt.Sprintf("%.2f…%.2f", low, high)
}

func (a Answer) verdict() string {
	var b strings.Builder
	if a.Fits {
		fmt.Fprintf(&b, "Fits: %s tokens of KV cache at %s B each, %.2f sequences of %s tokens; a sequence may have up to %s.",
			thousands(a.KVTokens), trim(a.KVBytesPerToken), a.Concurrency, thousands(a.ModelLen), thousands(a.MaxModelLen))
		return b.String()
	}
	b.WriteString("Does not start:")
	for _, reason := range a.Reasons {
		b.WriteString("\n  " + reason)
	}
	if a.Nearest != "" {
		b.WriteString("\nWhat would: " + a.Nearest)
	}
	return b.String()
}

// WriteExplain prints where every figure comes from.
func (a Answer) WriteExplain(w io.Writer) error {
	names := make([]string, 0, len(a.Explain))
	for name := range a.Explain {
		names = append(names, name)
	}
	order := []string{"gpuMemoryGiB", "requestedGiB", "weightsGiB", "activationGiB", "nonTorchGiB", "graphsGiB", "kvCacheGiB", "kvBytesPerToken"}
	slices.SortFunc(names, func(x, y string) int { return slices.Index(order, x) - slices.Index(order, y) })
	fmt.Fprintln(w)
	for _, name := range names {
		amount := a.Explain[name]
		fmt.Fprintf(w, "%s = %s", name, trim(amount.Value))
		if s := spread(amount.Low, amount.High); s != "" {
			fmt.Fprintf(w, " (%s)", s)
		}
		fmt.Fprintf(w, "\n  %s\n  %s", amount.Formula, amount.Source)
		if amount.Where != "" {
			fmt.Fprintf(w, ": %s", amount.Where)
		}
		fmt.Fprintln(w)
	}
	return nil
}

func trim(x float64) string {
	s := fmt.Sprintf("%.2f", x)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
