package plan

import (
	"fmt"
	"io"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// LoadAnswer is what replicas of a plan do for a load, an estimate by a roofline, as -o json prints it.
type LoadAnswer struct {
	RequestsPerSecond float64 `json:"requestsPerSecond"`
	InputTokens       float64 `json:"inputTokens"`
	OutputTokens      float64 `json:"outputTokens"`

	// Kept says whether some number of replicas keeps the limits; Replicas is the least, 0 for none.
	Kept     bool  `json:"kept"`
	Replicas int64 `json:"replicas"`
	// GPUs of all replicas.
	GPUs int64 `json:"gpus"`
	// Sequences that one replica works on at once.
	Sequences int64 `json:"sequencesPerReplica"`
	// MostRequests is what one replica does when it is never idle, TokensPerSecond what it puts out then.
	MostRequests    float64 `json:"estimatedRequestsPerSecondPerReplica"`
	TokensPerSecond float64 `json:"estimatedTokensPerSecondPerReplica"`
	FirstToken      float64 `json:"estimatedTTFTSeconds"`
	NextToken       float64 `json:"estimatedITLSeconds"`

	Assumptions []string `json:"assumptions"`
}

// ForLoad estimates how many replicas a load takes. A device whose speed is not in the catalogue is an error.
func ForLoad(m Model, s sizing.Settings, l sizing.Load) (LoadAnswer, error) {
	out := LoadAnswer{RequestsPerSecond: l.Requests, InputTokens: l.Input, OutputTokens: l.Output, Assumptions: rooflineAssumptions(l)}
	r, err := sizing.Estimate(m.Architecture, m.Weights, s)
	if err != nil || !r.Fits {
		return out, err
	}
	a, found, err := catalog.FindAccelerator(s.GPU.Name)
	if err != nil {
		return out, err
	}
	capacity, known := r.Capacity(m.Architecture, speedOf(a), l)
	if !found || !known {
		return out, fmt.Errorf("the catalogue does not know the speed of GPU %q, so nothing can be said of a load; leave --requests-per-second, --ttft and --itl out", s.GPU.Name)
	}
	out.Replicas, out.Kept = int64(capacity.Replicas), capacity.Replicas > 0
	out.GPUs = out.Replicas * r.Settings.TensorParallel * r.Settings.PipelineParallel * r.Settings.DataParallel
	out.Sequences, out.MostRequests, out.TokensPerSecond = int64(capacity.Sequences), round(capacity.Requests, 100), round(capacity.TokensPerSecond, 1)
	out.FirstToken, out.NextToken = round(capacity.FirstToken, 1000), round(capacity.NextToken, 10000)
	return out, nil
}

func speedOf(a catalog.Accelerator) sizing.Speed {
	return sizing.Speed{Bandwidth: a.Speed.MemoryGBps * 1e9, Operations16: a.Speed.BF16TFLOPS * 1e12, Operations8: a.Speed.FP8TFLOPS * 1e12}
}

// rooflineAssumptions say what an estimate of speed rests on.
func rooflineAssumptions(l sizing.Load) []string {
	return []string{
		fmt.Sprintf("%g tokens in and %g out; on average a sequence is as long as its prompt and half of its answer", l.Input, l.Output),
		"a step takes as long as the slower of reading weights and cache at 70 % of the maker's bandwidth, and multiplying at 50 % of its peak; 20 µs a layer for exchange between GPUs",
		"a replica reads prompts and makes steps in turn and is busy for at most 80 % of the time; prompts arrive at random and queue as in M/M/1, each also waits for the step that runs",
		"no prompt is in the prefix cache, and no draft model helps",
	}
}

// WriteText prints it for a person.
func (a LoadAnswer) WriteText(w io.Writer) {
	rate := "requests"
	if a.RequestsPerSecond > 0 {
		rate = fmt.Sprintf("%g requests a second", a.RequestsPerSecond)
	}
	fmt.Fprintf(w, "\nFor %s of %g + %g tokens, by a roofline (an estimate): ", rate, a.InputTokens, a.OutputTokens)
	if !a.Kept {
		fmt.Fprintln(w, "no number of these replicas keeps the limits.")
	} else {
		fmt.Fprintf(w, "replicas: %d, GPUs: %d.\nOne replica: %d sequences at once, at most %.2f requests and %s tokens a second; first token after %.2f s, each other after %.0f ms.\n",
			a.Replicas, a.GPUs, a.Sequences, a.MostRequests, thousands(int64(a.TokensPerSecond)), a.FirstToken, a.NextToken*1000)
	}
	for _, line := range a.Assumptions {
		fmt.Fprintf(w, "  %s\n", line)
	}
}
