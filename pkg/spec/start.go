package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// checkStart refuses a revision that the estimate is sure of: that it cannot start, whatever the true figures are within their
// ranges. Where the estimate isn't sure it tells so, unless a layout of the catalogue stands behind the numbers (settled).
func (r *resolver) checkStart(t RevisionTarget, e *estimate, settled bool) {
	if e == nil || t.Devices == 0 || len(r.problems) > 0 || !r.deployed() {
		return
	}
	s, err := t.Sizing()
	if err != nil {
		return // a release that is not known, or flags that are refused by themselves
	}
	if err = s.Divides(e.model); err != nil {
		r.cannotStart("spec.accelerator.perReplica", e, fmt.Sprintf("%s does not start: %v; %s", e.name, err, sure(r.more(t, e, 0)...)))
		return
	}
	result, err := sizing.Estimate(e.model, t.Model.Weigh(e.weights), s)
	if err != nil || result.Sure {
		return
	}
	path, why := reason(result, e.model)
	what := fmt.Sprintf("%s on %d × %s with vLLM %s", e.name, t.Devices, t.Accelerator.Product, result.Settings.Version)
	switch {
	case e.copied && result.Settings.MaxModelLen > e.model.MaxPositions:
		r.remarkf(path, "%s cannot start, unless the config.json of %s has more positions: %s; %s%s", what, r.spec.Model.Source, why, r.nearest(t, e, result), e.without())
	case result.Impossible:
		r.cannotStart(path, e, fmt.Sprintf("%s cannot start: %s; %s", what, why, r.nearest(t, e, result)))
	case settled:
	case result.Fits:
		r.remarkf(path, "%s likely starts, but not surely: %s; %s%s", what, why, r.nearest(t, e, result), e.without())
	default:
		r.remarkf(path, "%s likely does not start: %s; %s%s", what, why, r.nearest(t, e, result), e.without())
	}
}

// cannotStart refuses the document, or only tells where the estimate does not know all of it.
func (r *resolver) cannotStart(path string, e *estimate, text string) {
	if len(e.unknown) > 0 {
		r.remarkf(path, "%s%s", text, e.without())
		return
	}
	if e.copied {
		text += fmt.Sprintf(". If %s holds other weights than %s, say the model.id of those, or model.measured", r.spec.Model.Source, r.spec.Model.ID)
	}
	r.m.CannotStart = append(r.m.CannotStart, r.problem(path, text))
}

// without says what the estimate leaves aside.
func (e *estimate) without() string {
	if len(e.unknown) == 0 {
		return ""
	}
	return ". That is without " + strings.Join(e.unknown, ", ") + ", which the estimate does not know"
}

// reason is why an engine does not start, or may not, and the field that is about it.
func reason(r *sizing.Result, model *sizing.Architecture) (path, why string) {
	s := r.Settings
	asked := max(s.MaxModelLen, 1)
	may := fmt.Sprintf("%.1f of its %.1f GiB (gpu-memory-utilization %g)", inGiB(r.Requested.Value), inGiB(r.Total.Value), s.Utilization)
	beside := inGiB(r.Activation.Value + r.NonTorch.Value)
	if r.GraphsInBudget {
		beside += inGiB(r.Graphs.Value)
	}
	switch {
	case asked > model.MaxPositions:
		return "spec.model.maxModelLen", fmt.Sprintf("%d tokens are more than the %d positions of the model", asked, model.MaxPositions)
	case r.BestModelLen == 0:
		return "spec.accelerator.perReplica", fmt.Sprintf("each GPU needs %.1f GiB for weights and %.1f beside them, and may take %s", inGiB(r.Weights.Value), beside, may)
	case asked > r.BestModelLen:
		return "spec.model.maxModelLen", fmt.Sprintf("one sequence of %d tokens takes %.1f GiB of KV cache on each GPU, and at most %.1f are left of %s beside %.1f for weights",
			asked, inGiB(r.SequenceBytes), inGiB(r.KVCache.High), may, inGiB(r.Weights.Value))
	case asked > r.SureModelLen:
		return "spec.model.maxModelLen", fmt.Sprintf("one sequence of %d tokens takes %.1f GiB of KV cache on each GPU, and %.1f to %.1f are left of %s beside %.1f for weights",
			asked, inGiB(r.SequenceBytes), max(inGiB(r.KVCache.Low), 0), inGiB(r.KVCache.High), may, inGiB(r.Weights.Value))
	case s.KVCacheBytes > 0:
		return "spec.runtime.args.kv-cache-memory-bytes", fmt.Sprintf("each GPU needs %.1f GiB for weights, %.1f beside them and %.1f for the KV cache, and has %.1f with a CUDA context in it",
			inGiB(r.Weights.Value), beside, inGiB(r.KVCache.Value), inGiB(r.Total.Value))
	}
	return "spec.runtime.args.gpu-memory-utilization", fmt.Sprintf("each GPU is asked for %s, of which a CUDA context takes its part", may)
}

// nearest says what is sure to start: a shorter context, less of the memory, more devices, others.
func (r *resolver) nearest(t RevisionTarget, e *estimate, result *sizing.Result) string {
	s, shorter := result.Settings, sizing.WholeLength(result.SureModelLen, e.model)
	length := fmt.Sprintf("model.maxModelLen: %d", shorter)
	if s.MaxModelLen > e.model.MaxPositions && shorter > 0 {
		return sure(length)
	}
	if most := result.SureUtilization(); s.Utilization > most && s.KVCacheBytes == 0 {
		return sure(fmt.Sprintf("gpu-memory-utilization: %.2f", most))
	}
	var ways []string
	if s.MaxModelLen > shorter && shorter >= shortest {
		ways = append(ways, length)
	}
	return sure(append(ways, r.elsewhere(t, e)...)...)
}

// shortest is the shortest context that is worth a mention.
const shortest = 1024

// sure puts what starts into words.
func sure(ways ...string) string {
	if len(ways) == 0 {
		return "no device of the catalogue is sure to hold it"
	}
	return "it is sure to start with " + strings.Join(ways, ", or ")
}

// elsewhere are more devices of the same kind, and the smallest other device of which as few hold the model. Devices is 0 in
// the target of a document for which no number was found.
func (r *resolver) elsewhere(t RevisionTarget, e *estimate) []string {
	ways := r.more(t, e, int64(t.Devices))
	if other, n := r.other(t, e); n > 0 {
		ways = append(ways, fmt.Sprintf("accelerator: {type: %s, perReplica: %d}", other, n))
	}
	return ways
}

// more is the fewest devices above a number that are sure to hold the model, on one node or on several.
func (r *resolver) more(t RevisionTarget, e *estimate, above int64) []string {
	s, args, err := r.free(t, e)
	if err != nil {
		return nil
	}
	s.GPU = t.Accelerator.GPU()
	for nodes := max(r.spec.Accelerator.Nodes, 1); nodes <= mostNodes; nodes *= 2 {
		splits := slices.DeleteFunc(r.splits(t.Accelerator, args, nodes), func(p sizing.Split) bool { return p.Ranks() <= above })
		if split, _, ok := sizing.Fewest(e.model, e.elsewhere(t), s, splits); ok {
			return []string{fmt.Sprintf("accelerator.perReplica: %d%s", split.Ranks(), onNodes(nodes))}
		}
	}
	return nil
}

// mostNodes is where one stops looking: nobody has a replica over more.
const mostNodes = 8

// free are settings and flags that leave open how a model is shared.
func (r *resolver) free(t RevisionTarget, e *estimate) (sizing.Settings, map[string]Arg, error) {
	args := maps.Clone(t.Args)
	for _, size := range []string{tensorParallel, pipelineParallel, dataParallel} {
		delete(args, size)
	}
	s := sizing.Settings{MaxModelLen: int64(t.MaxModelLen)}
	if t.MaxModelLen == 0 || t.Planned.MaxModelLen != "" {
		s.MaxModelLen = r.wantedLength()
	}
	s.MaxModelLen = min(s.MaxModelLen, e.model.MaxPositions)
	err := t.Runtime.size(&s, args)
	return s, args, err
}

// elsewhere is the weights on other devices than those that they were measured on.
func (e *estimate) elsewhere(t RevisionTarget) sizing.Weights {
	if measured := t.Model.Weigh(sizing.Weights{}).MeasuredBytes; measured > 0 {
		return sizing.Weights{LoadedBytes: measured * float64(t.Devices)}
	}
	return e.weights
}

func onNodes(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" with accelerator.nodes: %d", n)
}

// other is the device on a node of which the fewest hold the model, of those the one with the least memory; 0 for none.
func (r *resolver) other(t RevisionTarget, e *estimate) (name string, fewest int64) {
	accelerators, err := catalog.Accelerators()
	s, args, bad := r.free(t, e)
	if err != nil || bad != nil {
		return "", 0
	}
	slices.SortStableFunc(accelerators, func(a, b catalog.Accelerator) int { return cmp.Compare(a.MemoryGiB, b.MemoryGiB) })
	for _, a := range accelerators {
		if a.Runtime != t.Accelerator.Runtime || a.Name == t.Accelerator.Name {
			continue
		}
		s.GPU = a.GPU()
		split, _, ok := sizing.Fewest(e.model, e.elsewhere(t), s, r.splits(a, args, 1))
		if ok && (fewest == 0 || split.Ranks() <= int64(t.Devices) && fewest > int64(t.Devices)) {
			name, fewest = a.Name, split.Ranks()
		}
	}
	return name, fewest
}
