package plan

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// Find finds a model by its name in the catalogue or its id on Hugging Face.
type Find func(nameOrID string) (Model, error)

// FindModel finds a model of the catalogue.
func FindModel(nameOrID string) (Model, error) {
	found, ok, err := catalog.FindModel(nameOrID)
	switch {
	case err != nil:
		return Model{}, err
	case ok:
		return Model{}, fmt.Errorf("the catalogue has no config.json of %s; give it with --model-config and --weights-bytes %d, or a directory with --model-dir", found.Name, found.WeightsBytes)
	}
	return Model{}, fmt.Errorf("the catalogue has no model %q; give its config.json with --model-config, or a directory with --model-dir", nameOrID)
}
