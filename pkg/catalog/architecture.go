package catalog

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed data/configs/*.json
var configs embed.FS

var readArchitectures = sync.OnceValues(func() ([]Architecture, error) {
	architectures, err := read[Architecture]("data/architectures.yaml")
	if err != nil {
		return nil, err
	}
	models, err := readModels()
	if err != nil {
		return nil, err
	}
	return complete(architectures, models), nil
})

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
func complete(architectures []Architecture, models []Model) []Architecture {
	for i, a := range architectures {
		for _, m := range models {
			if m.Name == a.Name {
				architectures[i].ID, architectures[i].Parameters, architectures[i].WeightsBytes = m.ID, m.Parameters, m.WeightsBytes
			}
		}
	}
	return architectures
}

// Architectures lists the architectures in the order of the catalogue.
func Architectures() ([]Architecture, error) {
	architectures, err := readArchitectures()
	if err != nil {
		return nil, err
	}
	out := slices.Clone(architectures)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out, nil
}

// FindArchitecture finds an architecture by its name or, whatever the case, by its id on Hugging Face.
func FindArchitecture(nameOrID string) (Architecture, bool, error) {
	architectures, err := readArchitectures()
	if err != nil {
		return Architecture{}, false, err
	}
	for _, a := range architectures {
		if a.Name == nameOrID || strings.EqualFold(a.ID, nameOrID) {
			return a.clone(), true, nil
		}
	}
	return Architecture{}, false, nil
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
