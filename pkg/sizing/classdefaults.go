package sizing

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// classDefaults are what transformers 4.57 fills in by model_type where config.json leaves a field out
// (models/*/configuration_*.py): Hugging Face writes only what differs from them, Gemma 3 for example without heads and
// vocabulary. Sizes are for a nested text_config alone; a file whose root has none is no model's.
func classDefaults(modelType string) (always, nested map[string]int64) {
	type fields = map[string]int64
	switch modelType {
	case "gemma2":
		return fields{"vocab_size": 256000, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 8192, "sliding_window": 4096},
			fields{"hidden_size": 2304, "num_hidden_layers": 26, "intermediate_size": 9216}
	case "gemma3_text":
		return fields{"vocab_size": 262208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 131072, "sliding_window": 4096},
			fields{"hidden_size": 2304, "num_hidden_layers": 26, "intermediate_size": 9216}
	case "gemma3n_text":
		return fields{"vocab_size": 262400, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256, "max_position_embeddings": 32768, "sliding_window": 512},
			fields{"hidden_size": 2048, "num_hidden_layers": 35, "intermediate_size": 16384}
	case "gpt_oss":
		return fields{"head_dim": 64, "max_position_embeddings": 131072}, nil
	case "llama":
		return fields{"max_position_embeddings": 2048},
			fields{"vocab_size": 32000, "num_attention_heads": 32, "hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 11008}
	case "llama4_text":
		return fields{"head_dim": 128, "max_position_embeddings": 131072},
			fields{"vocab_size": 202048, "num_attention_heads": 40, "num_key_value_heads": 8, "hidden_size": 5120, "num_hidden_layers": 48, "intermediate_size": 8192}
	case "mistral", "mixtral":
		return fields{"num_key_value_heads": 8, "max_position_embeddings": 131072},
			fields{"vocab_size": 32000, "num_attention_heads": 32, "hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336}
	case "qwen3":
		return fields{"head_dim": 128, "max_position_embeddings": 32768}, nil
	}
	return nil, nil
}

// fillDefaults puts them in and says so. A null is what the file says, not a field that is left out.
func fillDefaults(text fields, a *Architecture) {
	always, nested := classDefaults(a.ModelType)
	if text.path != "" {
		always = maps.Clone(always)
		maps.Copy(always, nested)
	}
	for _, name := range slices.Sorted(maps.Keys(always)) {
		if _, there := text.values[name]; there {
			continue
		}
		text.values[name] = json.Number(strconv.FormatInt(always[name], 10))
		a.assume(fmt.Sprintf("no %s: %d, the default of %s in transformers", name, always[name], a.ModelType))
	}
}

// tiedByDefault says whether the class ties embeddings unless config.json says otherwise.
func tiedByDefault(modelType string) bool {
	return slices.Contains([]string{"gemma", "gemma2", "gemma3_text", "gemma3n_text", "gemma4_text", "cohere", "cohere2"}, modelType)
}
