package catalog

import (
	"embed"
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/sizing"
)

//go:embed data/*.yaml
var files embed.FS

// Read once; what callers get are copies.
var (
	modelList       = newList[Model]("data/models.yaml")
	acceleratorList = newList[Accelerator]("data/accelerators.yaml")
)

func read[T any](name string) ([]T, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", err)
	}
	return parse[T](name, data)
}

// parse refuses fields that the types do not have, and keys that occur twice.
func parse[T any](name string, data []byte) ([]T, error) {
	var items []T
	if err := yaml.UnmarshalStrict(data, &items); err != nil {
		return nil, fmt.Errorf("reading the catalogue's %s: %w", name, err)
	}
	return items, nil
}

// Models lists the models in the order of the catalogue.
func Models() ([]Model, error) {
	models, err := modelList.all()
	if err != nil {
		return nil, err
	}
	out := slices.Clone(models)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out, nil
}

// FindModel finds a model by its name or, whatever the case, by its id on Hugging Face.
func FindModel(nameOrID string) (Model, bool, error) {
	m, ok, err := modelList.find(nameOrID)
	return m.clone(), ok, err
}

// Layout finds the stated layout on an accelerator.
func (m Model) Layout(accelerator string) (Layout, bool) {
	for _, l := range m.Layouts {
		if l.Accelerator == accelerator {
			return l, true
		}
	}
	return Layout{}, false
}

// clone keeps a caller's changes out of the catalogue.
func (m Model) clone() Model {
	m.Args = maps.Clone(m.Args)
	m.Layouts = slices.Clone(m.Layouts)
	m.Sources = slices.Clone(m.Sources)
	return m
}

// Accelerators lists the accelerators in the order of the catalogue.
func Accelerators() ([]Accelerator, error) {
	accelerators, err := acceleratorList.all()
	if err != nil {
		return nil, err
	}
	out := slices.Clone(accelerators)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out, nil
}

// FindAccelerator finds an accelerator by its name.
func FindAccelerator(name string) (Accelerator, bool, error) {
	a, ok, err := acceleratorList.find(name)
	return a.clone(), ok, err
}

// GPU is the device in the terms of the memory estimate: what one rank has of it.
func (a Accelerator) GPU() sizing.GPU {
	gpu := sizing.GPU{Name: a.Name, MemoryGiB: a.MemoryGiB, Vendor: a.Vendor}
	if a.RanksPerDevice > 1 {
		gpu.MemoryGiB /= float64(a.RanksPerDevice)
	}
	return gpu
}

func (a Accelerator) clone() Accelerator {
	nodes := make([]NodeTerm, len(a.Nodes))
	for i, term := range a.Nodes {
		nodes[i] = slices.Clone(term)
		for j := range nodes[i] {
			nodes[i][j].Values = slices.Clone(nodes[i][j].Values)
		}
	}
	a.Nodes = nodes
	a.Instances = slices.Clone(a.Instances)
	a.Sources = slices.Clone(a.Sources)
	return a
}
