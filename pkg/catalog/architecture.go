package catalog

import (
	"embed"
	"fmt"
	"slices"

	"github.com/kservegen/kservegen/pkg/sizing"
)

//go:embed data/configs/*.json
var configs embed.FS

// Entries as they stand there: without what models.yaml states.
var architectureList = newList[Architecture]("data/architectures.yaml")

// Architecture is what config.json says of a model, and what its weights hold. What models.yaml states of the same
// model is taken from there.
type Architecture struct {
	// Name is the key in the catalogue, that of the Model where there is one.
	Name string `json:"name"`
	// ID is the repository on Hugging Face.
	ID string `json:"id,omitempty"`
	// Parameters is their number for people, for example 30.5B.
	Parameters string `json:"parameters,omitempty"`
	// ActiveParameters is the number that a token passes through, where that is fewer.
	ActiveParameters string `json:"activeParameters,omitempty"`
	// WeightsBytes is what the tensors to load hold together, 0 where no source was found.
	WeightsBytes int64 `json:"weightsBytes,omitempty"`
	// WeightsFrom is index, computed, published or unsourced, as data/architectures.yaml explains.
	WeightsFrom string `json:"weightsFrom,omitempty"`
	// SharedConfig names the architecture whose config.json has the same numbers, empty for a file of its own.
	SharedConfig string `json:"config,omitempty"`
	// Notes say what the numbers rest on and what could not be sourced.
	Notes   []string  `json:"notes,omitempty"`
	Sources []Reading `json:"sources"`
}

// Reading is a source that was read.
type Reading struct {
	// Read is the day, as in 2026-11-30.
	Read string `json:"read"`
	// For is config, weights, parameters, or check for a second source of numbers that a first one has.
	For string `json:"for"`
	URL string `json:"url"`
}

// complete takes id, parameters and bytes from the model of the same name.
func (a Architecture) complete(m Model) Architecture {
	a.ID, a.Parameters, a.WeightsBytes = m.ID, m.Parameters, m.WeightsBytes
	return a
}

// Architectures lists the architectures in the order of the catalogue.
func Architectures() ([]Architecture, error) {
	architectures, err := architectureList.all()
	if err != nil {
		return nil, err
	}
	models, err := modelList.all()
	if err != nil {
		return nil, err
	}
	out := slices.Clone(architectures)
	for i := range out {
		out[i] = out[i].clone()
		if at := slices.IndexFunc(models, func(m Model) bool { return m.Name == out[i].Name }); at >= 0 {
			out[i] = out[i].complete(models[at])
		}
	}
	return out, nil
}

// FindArchitecture finds an architecture by its name or, whatever the case, by its id on Hugging Face.
func FindArchitecture(nameOrID string) (Architecture, bool, error) {
	model, known, err := modelList.find(nameOrID)
	if err != nil {
		return Architecture{}, false, err
	}
	if known {
		nameOrID = model.Name
	}
	a, ok, err := architectureList.find(nameOrID)
	if err != nil || !ok {
		return Architecture{}, false, err
	}
	if known {
		a = a.complete(model)
	}
	return a.clone(), true, nil
}

// Sizes are the architecture and its weights in the terms of the memory estimate.
func (a Architecture) Sizes() (*sizing.Architecture, sizing.Weights, error) {
	config, err := a.Config()
	if err != nil {
		return nil, sizing.Weights{}, err
	}
	sizes, err := sizing.ParseConfig(config)
	if err != nil {
		return nil, sizing.Weights{}, fmt.Errorf("%s: %w", a.Name, err)
	}
	return sizes, sizing.Weights{FileBytes: float64(a.WeightsBytes)}, nil
}

// Config is the part of the model's config.json that matters to memory, as JSON.
func (a Architecture) Config() ([]byte, error) {
	name := a.SharedConfig
	if name == "" {
		name = a.Name
	}
	data, err := configs.ReadFile("data/configs/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's config.json of %s: %w", a.Name, err)
	}
	return data, nil
}

// clone keeps a caller's changes out of the catalogue.
func (a Architecture) clone() Architecture {
	a.Notes = slices.Clone(a.Notes)
	a.Sources = slices.Clone(a.Sources)
	return a
}
