// Package accelerator holds the rules about GPUs and other devices.
package accelerator

import "github.com/kservegen/kservegen/pkg/lint/rule"

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		requestsDiffer(), tooFewDevices(), idleDevices(), twoVendors(), noSharedMemory(), unboundedSharedMemory(),
		unknownResource(), wrongImage(), misspeltDevice(), scatteredNeuron(), neuronEntrypoint(), neuronBuckets(),
	}
}
