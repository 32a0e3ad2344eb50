package accelerator

import (
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func tooFewDevices() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0702", Name: "parallel-over-devices", Level: finding.Error,
			Summary: "The pod has as many devices as tensor, pipeline and data parallelism ask for.",
			Why:     "vLLM starts one worker per rank. With fewer devices in the pod it stops when it begins: the world size exceeds the available GPUs.",
			How: "Raise the limit, or lower --tensor-parallel-size; the product with --pipeline-parallel-size and --data-parallel-size is the number of devices. " +
				"On Trainium2 it is the number of logical cores: four per device, eight with NEURON_LOGICAL_NC_CONFIG=1.",
			Refs: []string{
				"vllm: vllm/config/parallel.py",
				"aws-neuron-sdk: about-neuron/arch/neuron-features/logical-neuroncore-config.rst",
			},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			eachSingleNode(c, func(_ *rule.Workload, ranks int64, has slots, at rule.Value) {
				if ranks > has.count {
					c.Report(at, "vLLM runs %s, and the pod has %s", finding.Plural(ranks, "rank"), has)
				}
			})
		},
	}
}

func idleDevices() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0703", Name: "idle-devices", Level: finding.Warning,
			Summary: "vLLM uses all devices of the pod.",
			Why:     "vLLM uses one device unless told otherwise. The others of the pod are reserved, paid for and idle, and the weights may not fit on the one.",
			How:     "Set --tensor-parallel-size to the number of devices (on Trainium2, of their logical cores), or lower the limit.",
			Refs:    []string{"vllm: docs/serving/parallelism_scaling"},
			Kinds:   rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			eachSingleNode(c, func(w *rule.Workload, ranks int64, has slots, _ rule.Value) {
				if ranks < has.count {
					c.Report(w.Main().Devices()[0], "the pod has %s, and vLLM uses %d", has, ranks)
				}
			})
		},
	}
}

// slots is what ranks run on: one on each.
type slots struct {
	count int64
	unit  string
}

func (s slots) String() string { return finding.Plural(s.count, s.unit) }

// eachSingleNode calls f with every server of one node whose ranks and what they run on are both known. A MIG slice is
// less than a GPU, and a neuroncore is a physical core on one node and a logical one on another, so these aren't compared.
func eachSingleNode(c *rule.Context, f func(w *rule.Workload, ranks int64, has slots, at rule.Value)) {
	for _, w := range c.Servers() {
		main := w.Main()
		devices := main.Devices()
		if !w.Known() || w.IsGroup() || !rule.IsVLLM(main) || len(rule.Flags(main)) == 0 || len(devices) != 1 {
			continue
		}
		has := slotsOf(main, devices[0].Key())
		ranks, at, ok := ranksOf(main)
		if ok && has.count > 0 {
			f(w, ranks, has, orAt(at, devices[0]))
		}
	}
}

func slotsOf(main rule.Container, resource string) slots {
	switch {
	case resource == "nvidia.com/gpu", resource == "amd.com/gpu":
		return slots{main.DeviceCount(), "device"}
	case resource == neuronDevice && runsNeuronPlugin(main):
		return slots{main.DeviceCount() * logicalCores(main), "logical core"}
	}
	return slots{}
}

// ranksOf is the product of the parallel sizes, and the flag of the largest.
func ranksOf(main rule.Container) (int64, rule.Value, bool) {
	ranks, largest := int64(1), int64(1)
	var at rule.Value
	for _, name := range []string{"tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size"} {
		flag, ok := find(main, name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(flag.Value, 10, 16)
		if err != nil || n < 1 || strings.HasPrefix(name, "data") && otherNodes(main) {
			return 0, rule.Value{}, false
		}
		ranks *= n
		if n > largest {
			largest, at = n, flag.At
		}
	}
	return ranks, at, true
}

func otherNodes(main rule.Container) bool {
	_, local := rule.FindFlag(main, "data-parallel-size-local")
	_, address := rule.FindFlag(main, "data-parallel-address")
	return local || address
}

func find(main rule.Container, name string) (rule.Flag, bool) {
	if flag, ok := rule.FindFlag(main, name); ok {
		return flag, true
	}
	short := map[string]string{"tensor-parallel-size": "-tp", "pipeline-parallel-size": "-pp", "data-parallel-size": "-dp"}[name]
	args := main.Args()
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg.Text(), short+"="); ok {
			return rule.Flag{Name: name, Value: value, At: arg}, true
		}
		if arg.Text() == short && i+1 < len(args) {
			return rule.Flag{Name: name, Value: args[i+1].Text(), At: arg}, true
		}
	}
	return rule.Flag{}, false
}

func orAt(at, other rule.Value) rule.Value {
	if at.Found() {
		return at
	}
	return other
}
