package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// Planned says where numbers come from that neither the document nor a layout of the catalogue has: one sentence for each,
// empty where they have it.
type Planned struct{ Devices, MaxModelLen string }

// estimate is what the memory of a revision is computed from.
type estimate struct {
	// name is the catalogue's.
	name    string
	model   *sizing.Architecture
	weights sizing.Weights
	// unknown is what the document says that the estimate does not know; then it decides nothing.
	unknown []string
	// copied says that the weights come from where nobody knows what they are.
	copied bool
}

// sizes reads the model's numbers, once; nil where the catalogue has none.
func (r *resolver) sizes() (*sizing.Architecture, sizing.Weights) {
	if r.architecture == nil {
		r.architecture = &architecture{}
		found, ok, err := catalog.FindArchitecture(r.spec.Model.ID)
		if err == nil && ok {
			r.architecture.name = found.Name
			r.architecture.sizes, r.architecture.weights, err = found.Sizes()
		}
		if err != nil {
			r.failf("spec.model.id", "reading the catalogue: %v", err)
		}
	}
	return r.architecture.sizes, r.architecture.weights
}

// architecture is what sizes read.
type architecture struct {
	name    string
	sizes   *sizing.Architecture
	weights sizing.Weights
}

// sized is a model of which the catalogue has numbers and no more.
func (r *resolver) sized() catalog.Model {
	sizes, weights := r.sizes()
	if sizes == nil {
		return catalog.Model{}
	}
	return catalog.Model{Name: r.architecture.name, ID: r.spec.Model.ID, WeightsBytes: int64(weights.FileBytes), AttentionHeads: int(sizes.Heads), MoE: sizes.MoE()}
}

// estimate is nil where the runtime is none that it is made for, or the model unknown.
func (r *resolver) estimate(args map[string]Arg) *estimate {
	if !r.spec.Runtime.OnGPU() {
		return nil
	}
	sizes, weights := r.sizes()
	if sizes == nil {
		return nil
	}
	_, named := r.repository()
	return &estimate{name: r.architecture.name, model: sizes, weights: weights, unknown: r.unknown(sizes, args), copied: !named}
}

// unknown lists what the estimate does not know, with the reason.
func (r *resolver) unknown(model *sizing.Architecture, args map[string]Arg) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if name == "quantization" && model.Quantisation.Bits > 0 {
			continue // names a kernel for what is quantised already
		}
		if why := sizing.UnknownFlag(name, args[name].text()); why != "" {
			list = append(list, fmt.Sprintf("--%s (%s)", name, why))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.spec.Runtime.Env)) {
		if why := sizing.UnknownVariable(name); why != "" {
			list = append(list, fmt.Sprintf("%s (%s)", name, why))
		}
	}
	if version, err := sizing.ParseVersion(r.spec.Runtime.tag()); err == nil && version.Unread() {
		list = append(list, fmt.Sprintf("vLLM %s (newer than what was read)", version))
	}
	if image := r.spec.Runtime.Image; image != "" && !strings.HasPrefix(image[strings.LastIndexByte(image, '/')+1:], "vllm-openai") {
		list = append(list, "an image that may be another engine")
	}
	repository, named := r.repository()
	switch {
	case named && !strings.EqualFold(repository, r.spec.Model.ID):
		list = append(list, "weights of another repository than model.id")
	case r.spec.Model.quantisedCopy():
		list = append(list, "weights that are quantised by the name of model.source, and not by model.id")
	}
	return list
}

// quantised matches what names of quantised weights have in them.
var quantised = regexp.MustCompile(`(?i)awq|gptq|gguf|bnb|exl[23]|quant|[^a-z](int|nf|(mx|nv)?fp)[48]|[48]-?bit|w[48]a(4|8|16)|\bq[2-8]_`)

// quantisedCopy says whether the name of the source says that it is quantised, and the id does not.
func (m Model) quantisedCopy() bool {
	return quantised.MatchString(m.Source) && !quantised.MatchString(m.ID)
}

// repository is where on Hugging Face the weights come from; false where that is not known, as of what somebody copied.
func (r *resolver) repository() (string, bool) {
	source := r.spec.Model.Source
	if d := r.spec.Model.Download; d != nil {
		source = d.From
	}
	rest, ok := strings.CutPrefix(source, "hf://")
	repository, _, _ := strings.Cut(rest, ":")
	return repository, ok
}

// planDevices finds how many devices a replica takes where no layout says it; false where there is no estimate. That none
// are enough is reported.
func (r *resolver) planDevices(model catalog.Model, accelerator catalog.Accelerator) (devices int, planned bool) {
	args := r.laidOver(model.Args)
	e := r.estimate(args)
	s := sizing.Settings{GPU: accelerator.GPU()}
	if e == nil {
		return 0, false
	}
	if err := r.spec.Runtime.size(&s, args); err != nil {
		r.notEstimated(e, err)
		return 0, true
	}
	s.MaxModelLen = min(r.wantedLength(), e.model.MaxPositions)
	splits := r.splits(accelerator, args, max(r.spec.Accelerator.Nodes, 1))
	if !r.suited(e, s, splits, accelerator) {
		return 0, true
	}
	split, _, ok := sizing.Fewest(e.model, e.weights, s, splits)
	if !ok {
		t := RevisionTarget{Runtime: r.spec.Runtime, Accelerator: accelerator, Args: args}
		r.failf("spec.accelerator.perReplica", "%s is not sure to start on as many %s as %s; %s; or say how many%s",
			e.name, accelerator.Product, r.room(accelerator), sure(r.elsewhere(t, e)...), e.without())
		return 0, true
	}
	length := s.MaxModelLen
	if length == sizing.AutoModelLen {
		length = e.model.LeastLength()
	}
	r.planned.Devices = fmt.Sprintf("%s: the fewest of %.1f GiB that vLLM %s is sure to start on with %d tokens of context. The catalogue has no layout;\n`kservegen plan` shows the figures.",
		plural(int(split.Ranks()), "device"), accelerator.MemoryGiB, s.Version, length)
	r.remarkPlanned(e, "spec.accelerator.perReplica")
	return int(split.Ranks()), true
}

// suited reports flags that leave no way to share the model that can be estimated.
func (r *resolver) suited(e *estimate, s sizing.Settings, splits []sizing.Split, accelerator catalog.Accelerator) bool {
	if len(splits) == 0 {
		r.failf("spec.accelerator.perReplica", "the parallel sizes among runtime.args make more devices than %s, or do not spread evenly over nodes; change them, or accelerator.nodes", r.room(accelerator))
		return false
	}
	err := sizing.Unsuited(e.model, e.weights, s, splits)
	if err != nil {
		r.notEstimated(e, err)
	}
	return err == nil
}

// notEstimated tells why no number of devices was found.
func (r *resolver) notEstimated(e *estimate, why error) {
	r.failf("spec.accelerator.perReplica", "nothing can be estimated of %s: %s; say how many devices one replica needs", e.name, strings.ReplaceAll(why.Error(), "\n", "; "))
}

// wantedLength is the document's context in the terms of the estimate.
func (r *resolver) wantedLength() int64 {
	if n := r.spec.Model.MaxModelLen.Int(); n > 0 {
		return int64(n)
	}
	return sizing.AutoModelLen
}

// laidOver is the document's flags over others.
func (r *resolver) laidOver(given ...map[string]string) map[string]Arg {
	args := map[string]Arg{}
	for _, flags := range given {
		for name, value := range flags {
			args[name] = catalogArg(value)
		}
	}
	maps.Copy(args, r.spec.Runtime.Args)
	return args
}

func (r *resolver) room(accelerator catalog.Accelerator) string {
	if nodes := r.spec.Accelerator.Nodes; nodes > 1 {
		return fmt.Sprintf("%d nodes have (%d each)", nodes, accelerator.PerNode)
	}
	return fmt.Sprintf("one node has (%d)", accelerator.PerNode)
}

// splits are the ways to share a model that the flags leave open, in powers of two as the vocabulary is padded for, the
// fewest devices first.
func (r *resolver) splits(accelerator catalog.Accelerator, args map[string]Arg, nodes int) []sizing.Split {
	nodes = min(nodes, mostRanks)
	stages, engines := sizeOf(args[pipelineParallel]), sizeOf(args[dataParallel])
	_, tensorSaid := args[tensorParallel]
	if _, said := args[pipelineParallel]; !said && !tensorSaid {
		stages = nodes
	}
	sizes := []int{sizeOf(args[tensorParallel])}
	if !tensorSaid {
		for tensor := 2; tensor <= accelerator.PerNode; tensor *= 2 {
			sizes = append(sizes, tensor)
		}
	}
	var out []sizing.Split
	for _, tensor := range sizes {
		if n := tensor * stages * engines; n <= accelerator.PerNode*nodes && n%nodes == 0 {
			out = append(out, sizing.Split{Tensor: int64(tensor), Pipeline: int64(stages), Data: int64(engines)})
		}
	}
	return out
}

// planLength chooses a context where neither the document nor a layout has one, and where that of a layout does not fit
// beside what the document says otherwise.
func (r *resolver) planLength(t *RevisionTarget, e *estimate, settled bool) {
	if e == nil || t.Devices == 0 || r.spec.Model.MaxModelLen.Int() > 0 {
		return
	}
	s, err := t.Sizing()
	if err != nil {
		return
	}
	weights, origin := t.Model.Weigh(e.weights), "The catalogue has no layout"
	if t.MaxModelLen > 0 {
		if settled || len(e.unknown) > 0 || fits(e.model, weights, s) {
			return
		}
		origin = "The catalogue's layout has more, for other settings"
	}
	result := sizing.Longest(e.model, weights, s)
	if result == nil {
		return
	}
	t.MaxModelLen = int(result.Settings.MaxModelLen)
	why := "The longest that is sure to fit"
	switch {
	case !result.Fits:
		why = "Fits by the best figures only"
	case !result.Sure:
		why = "Fits by the likeliest figures"
	case result.Settings.MaxModelLen == e.model.MaxPositions:
		why = "The model's own, which is sure to fit"
	}
	r.planned.MaxModelLen = why + ". " + origin + "; `kservegen plan` shows the figures."
	if r.planned.Devices == "" {
		r.remarkPlanned(e, "spec.model.maxModelLen")
	}
}

// fits says whether the engine likely starts; what is no input for an estimate is said elsewhere.
func fits(model *sizing.Architecture, weights sizing.Weights, s sizing.Settings) bool {
	result, err := sizing.Estimate(model, weights, s)
	return err != nil || result.Fits
}

// remarkPlanned tells that a number was chosen by an estimate that does not know all of the document.
func (r *resolver) remarkPlanned(e *estimate, path string) {
	if len(e.unknown) > 0 && r.deployed() {
		r.remarkf(path, "is chosen by an estimate that does not know %s; say a number", strings.Join(e.unknown, ", "))
	}
}

// deployed says whether what is resolved runs as it is. The base never does: each overlay is an environment.
func (r *resolver) deployed() bool { return r.environment != "" }

func inGiB(bytes float64) float64 { return bytes / (1 << 30) }
