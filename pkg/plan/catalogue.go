package plan

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// Find finds a model by its name in the catalogue or its id on Hugging Face.
type Find func(nameOrID string) (Model, error)

// FindModel finds a model of the catalogue.
func FindModel(nameOrID string) (Model, error) {
	found, ok, err := catalog.FindArchitecture(nameOrID)
	if err != nil {
		return Model{}, err
	}
	if !ok {
		return Model{}, fmt.Errorf("the catalogue has no model %q; give its config.json with --model-config, or a directory with --model-dir", nameOrID)
	}
	m := Model{Name: found.Name, WeightsFrom: "catalogue: " + found.WeightsFrom}
	if m.Architecture, m.Weights, err = found.Sizes(); err != nil {
		return Model{}, err
	}
	if found.WeightsFrom == "unsourced" {
		m.Architecture.Assumptions = append(m.Architecture.Assumptions, fmt.Sprintf("the weights' %d bytes are quoted without a source that is known", found.WeightsBytes))
	}
	return m, nil
}

// Machines are the instance types of a list whose devices the memory model is of: GPUs.
func Machines(list catalog.Instances) ([]sizing.Machine, error) {
	var out []sizing.Machine
	for _, instance := range list.Types {
		a, ok, err := catalog.FindAccelerator(instance.Accelerator)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("instance type %s has the accelerator %q, which the catalogue does not know (%s)", instance.Name, instance.Accelerator, strings.Join(gpuNames(), ", "))
		}
		if instance.Count == 0 || a.MemoryGiB == 0 || a.Vendor != "nvidia" && a.Vendor != "amd" {
			continue
		}
		out = append(out, sizing.Machine{
			Name: instance.Name, GPU: a.GPU(), Devices: int64(instance.Count), PerHour: instance.USDPerHour,
			Speed: speedOf(a),
		})
	}
	return out, nil
}
