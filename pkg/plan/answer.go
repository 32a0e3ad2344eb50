package plan

import (
	"math"
	"slices"

	"github.com/kservegen/kservegen/pkg/sizing"
)

// Answer is a plan for one model on one GPU, as -o json prints it. The names are part of the interface; all figures
// are per GPU.
type Answer struct {
	Model string `json:"model"`
	// Environment and Revision of a document, empty without one.
	Environment string `json:"environment,omitempty"`
	Revision    string `json:"revision,omitempty"`

	Fits    bool     `json:"fits"`
	Tight   bool     `json:"tight"`
	Reasons []string `json:"reasons,omitempty"`
	// Nearest is a change with which it starts.
	Nearest  string   `json:"nearest,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Assumptions are what the inputs left open.
	Assumptions []string `json:"assumptions,omitempty"`

	GPU           string  `json:"gpu"`
	GPUMemoryGiB  float64 `json:"gpuMemoryGiB"`
	GPUsPerModel  int64   `json:"gpusPerReplica"`
	VLLMVersion   string  `json:"vllmVersion"`
	Utilization   float64 `json:"gpuMemoryUtilization"`
	Sequences     int64   `json:"maxNumSeqs"`
	BatchedTokens int64   `json:"maxNumBatchedTokens"`

	RequestedGiB  float64 `json:"requestedGiB"`
	WeightsGiB    float64 `json:"weightsGiB"`
	ActivationGiB float64 `json:"activationGiB"`
	NonTorchGiB   float64 `json:"nonTorchGiB"`
	GraphsGiB     float64 `json:"graphsGiB"`
	// GraphsInBudget says whether graphs are part of what is asked for, or come on top.
	GraphsInBudget  bool    `json:"graphsInBudget"`
	KVCacheGiB      float64 `json:"kvCacheGiB"`
	KVBytesPerToken float64 `json:"kvBytesPerToken"`
	KVTokens        int64   `json:"kvTokens"`
	// MaxModelLen is the longest context that fits; ModelLen the one that Concurrency is for.
	MaxModelLen int64   `json:"maxModelLen"`
	ModelLen    int64   `json:"modelLen"`
	Concurrency float64 `json:"concurrency"`

	// Explain has each figure with its range, formula and source; bytes are GiB there, too.
	Explain map[string]sizing.Amount `json:"explain"`
	// Nodes that the document asks for where this runs, with those of its other revisions.
	Nodes []NodeAnswer `json:"nodes,omitempty"`
	// Log is the comparison with a start-up log, where one was given.
	Log *Report `json:"log,omitempty"`
}

// Make estimates and puts the result into words.
func Make(m Model, s sizing.Settings) (Answer, error) {
	r, err := sizing.Estimate(m.Architecture, m.Weights, s)
	if err != nil {
		return Answer{}, err
	}
	set := r.Settings
	assumptions := slices.Clone(m.Architecture.Assumptions)
	if r.Weights.Source == sizing.Assumed {
		assumptions = append(assumptions, "no weight bytes were given: computed from the shape of the model")
	}
	a := Answer{
		Model: m.Name, Fits: r.Fits, Tight: r.Tight, Reasons: r.Reasons, Nearest: r.Nearest, Warnings: r.Warnings,
		Assumptions: assumptions,
		GPU:         set.GPU.Name, GPUMemoryGiB: set.GPU.MemoryGiB, GPUsPerModel: set.TensorParallel * set.PipelineParallel * set.DataParallel,
		VLLMVersion: set.Version.String(), Utilization: set.Utilization, Sequences: set.MaxSequences, BatchedTokens: set.MaxBatchedTokens,
		RequestedGiB: inGiB(r.Requested), WeightsGiB: inGiB(r.Weights), ActivationGiB: inGiB(r.Activation), NonTorchGiB: inGiB(r.NonTorch),
		GraphsGiB: inGiB(r.Graphs), GraphsInBudget: r.GraphsInBudget, KVCacheGiB: inGiB(r.KVCache),
		KVBytesPerToken: round(r.KVBytesPerToken.Value, 100), KVTokens: r.KVTokens,
		MaxModelLen: r.MaxModelLen, ModelLen: r.ModelLen, Concurrency: round(r.Concurrency, 100),
		Explain: map[string]sizing.Amount{
			"gpuMemoryGiB": scaled(r.Total), "requestedGiB": scaled(r.Requested), "weightsGiB": scaled(r.Weights), "activationGiB": scaled(r.Activation),
			"nonTorchGiB": scaled(r.NonTorch), "graphsGiB": scaled(r.Graphs), "kvCacheGiB": scaled(r.KVCache), "kvBytesPerToken": r.KVBytesPerToken,
		},
	}
	return a, nil
}

func inGiB(a sizing.Amount) float64 { return round(a.Value/(1<<30), 1000) }

// scaled is an amount of bytes in GiB.
func scaled(a sizing.Amount) sizing.Amount {
	for _, v := range []*float64{&a.Value, &a.Low, &a.High} {
		*v = round(*v/(1<<30), 1000)
	}
	return a
}

func round(x, to float64) float64 { return math.Round(x*to) / to }
