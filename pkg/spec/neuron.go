package spec

import (
	"strconv"

	"github.com/kservegen/kservegen/pkg/neuron"
)

// checkBuckets refuses what vLLM's Neuron plugin refuses at its start.
func (r *resolver) checkBuckets(args map[string]Arg) {
	if r.spec.Runtime.Name != neuronRuntime {
		return
	}
	problems, err := neuron.Buckets(args[neuron.Options].String(), func(flag string) (int, bool) {
		n, err := strconv.Atoi(args[flag].String())
		return n, err == nil
	})
	if err != nil {
		r.failf("spec.runtime.args."+neuron.Options, "is not JSON such as '{\"neuron_config\": {…}}'")
	}
	for _, problem := range problems {
		r.failf(r.ownArg(problem.Flag), "%s", problem.Message)
	}
}

// ownArg is the path of a flag that the document gives, else of the plugin's options.
func (r *resolver) ownArg(flag string) string {
	if _, ok := r.spec.Runtime.Args[flag]; ok {
		return "spec.runtime.args." + flag
	}
	return "spec.runtime.args." + neuron.Options
}
