package spec

import (
	"strconv"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// The flags that say how the ranks of a server share the work (vllm/config/parallel.py).
const (
	tensorParallel   = "tensor-parallel-size"
	pipelineParallel = "pipeline-parallel-size"
	dataParallel     = "data-parallel-size"
	expertParallel   = "enable-expert-parallel"
)

// layoutParallel is the data and expert parallelism of a layout, which holds for its own number of devices. Where the
// document says how large a tensor or pipeline parallel group is, the engines are as many as the devices have room for.
func layoutParallel(layout catalog.Layout, accelerator catalog.Accelerator, own map[string]Arg) map[string]string {
	flags := map[string]string{}
	if layout.ExpertParallel {
		flags[expertParallel] = "true"
	}
	engines := layout.DataParallel
	group := sizeOf(own[tensorParallel]) * sizeOf(own[pipelineParallel])
	if ranks := layout.GPUs * max(accelerator.RanksPerDevice, 1); engines > 0 && group > 1 {
		engines = ranks / group
	}
	if engines > 1 {
		flags[dataParallel] = strconv.Itoa(engines)
	}
	return flags
}

// sizeOf is the size of a parallel dimension, 1 where it is left out or no size; positive says what is wrong with it.
func sizeOf(arg Arg) int {
	n, err := strconv.Atoi(arg.String())
	if err != nil || n < 1 {
		return 1
	}
	return min(n, mostRanks)
}

// parallelPath is the field to change where sizes and devices do not fit: the number of devices where the document says
// it, else the size that it says.
func (r *resolver) parallelPath() string {
	if r.spec.Accelerator.PerReplica.IsAuto() {
		for _, name := range []string{tensorParallel, dataParallel, pipelineParallel} {
			if _, ok := r.spec.Runtime.Args[name]; ok {
				return "spec.runtime.args." + name
			}
		}
	}
	return "spec.accelerator.perReplica"
}

// checkExperts refuses what vLLM refuses at its start (_verify_with_expert_parallelism in vllm/config/model.py).
func (r *resolver) checkExperts(model catalog.Model, args map[string]Arg) {
	if on := args[expertParallel].Bool; on != nil && *on && model.Name != "" && !model.MoE {
		r.failf("spec.runtime.args."+expertParallel, "%s has no experts to place, and vLLM does not start with this flag then; leave it out", model.Name)
	}
}
