package plan

import (
	"encoding/json"
	"fmt"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// FindModel finds a model of the catalogue, by its name or its id on Hugging Face.
func FindModel(name string) (Model, error) {
	found, ok, err := catalog.FindModel(name)
	if err != nil {
		return Model{}, err
	}
	if !ok {
		return Model{}, fmt.Errorf("the catalogue has no model %q; give its config.json with --model-config, or its directory with --model-dir", name)
	}
	config, err := json.Marshal(configOf(found))
	if err != nil {
		return Model{}, err
	}
	m, err := ReadConfig(found.Name, config)
	if err != nil {
		return Model{}, err
	}
	m.Weights, m.WeightsFrom = sizing.Weights{FileBytes: float64(found.WeightsBytes)}, "catalogue"
	return m, nil
}

// configOf is what models.yaml has of a config.json.
func configOf(m catalog.Model) map[string]any {
	return map[string]any{
		"model_type": "", "num_hidden_layers": m.Layers, "hidden_size": m.HiddenSize, "num_attention_heads": m.AttentionHeads,
		"num_key_value_heads": m.KVHeads, "vocab_size": m.VocabSize, "max_position_embeddings": m.MaxPositions,
	}
}
