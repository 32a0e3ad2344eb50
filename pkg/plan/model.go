package plan

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/kservegen/kservegen/pkg/sizing"
)

// Model is what is planned for.
type Model struct {
	// Name is for people.
	Name         string
	Architecture *sizing.Architecture
	Weights      sizing.Weights
	// WeightsFrom says where the bytes were read.
	WeightsFrom string
}

const (
	// configBytes bounds a config.json, indexBytes an index, headerBytes a header of a safetensors file (the format's
	// own limit is 100 MB).
	configBytes = 10 << 20
	indexBytes  = 256 << 20
	headerBytes = 100 << 20
)

// ReadConfig reads a config.json.
func ReadConfig(name string, data []byte) (Model, error) {
	a, err := sizing.ParseConfig(data)
	if err != nil {
		return Model{}, fmt.Errorf("%s: %w", name, err)
	}
	return Model{Name: name, Architecture: a}, nil
}

// ReadDirectory reads a directory as Hugging Face has it: config.json, and the bytes of the tensors in the headers of
// its safetensors files; where files are missing, in the index; else the sizes of the files.
func ReadDirectory(name string, dir fs.FS) (Model, error) {
	data, err := readLimited(dir, "config.json", configBytes)
	if err != nil {
		return Model{}, fmt.Errorf("%s: %w", name, err)
	}
	if data, err = withQuantisation(dir, data); err != nil {
		return Model{}, fmt.Errorf("%s: %w", name, err)
	}
	m, err := ReadConfig(path.Join(name, "config.json"), data)
	if err != nil {
		return Model{}, err
	}
	m.Name = name
	bytes, from, err := directoryWeights(dir, m.Architecture.Tied)
	if err != nil {
		return Model{}, fmt.Errorf("%s: %w", name, err)
	}
	m.Weights.FileBytes, m.WeightsFrom = float64(bytes), from
	return m, nil
}

// withQuantisation puts hf_quant_config.json into a config.json without quantisation, as the engine does: that is where
// ModelOpt writes it (vllm/transformers_utils/config.py).
func withQuantisation(dir fs.FS, config []byte) ([]byte, error) {
	quantisation, err := readLimited(dir, "hf_quant_config.json", configBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return config, nil
	}
	if err != nil {
		return nil, err
	}
	var whole, part map[string]json.RawMessage
	if json.Unmarshal(config, &whole) != nil || whole == nil || whole["quantization_config"] != nil {
		return config, nil // what is wrong with it is told by who reads it
	}
	if err = json.Unmarshal(quantisation, &part); err != nil {
		return nil, fmt.Errorf("hf_quant_config.json: %w", err)
	}
	if part == nil {
		return config, nil
	}
	part["quant_method"] = json.RawMessage(`"modelopt"`)
	if whole["quantization_config"], err = json.Marshal(part); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}

type index struct {
	Metadata struct {
		TotalSize float64 `json:"total_size"`
	} `json:"metadata"`
	WeightMap map[string]string `json:"weight_map"`
}

// directoryWeights prefers headers, which cannot be wrong, to the index, whose total is wrong for some models.
func directoryWeights(dir fs.FS, tied bool) (int64, string, error) {
	files, err := fs.Glob(dir, "*.safetensors")
	if err != nil {
		return 0, "", err
	}
	var ix index
	data, err := readLimited(dir, "model.safetensors.index.json", indexBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return 0, "", err
	default:
		if err := json.Unmarshal(data, &ix); err != nil {
			return 0, "", fmt.Errorf("model.safetensors.index.json: %w", err)
		}
	}
	wanted := shards(ix)
	if len(wanted) > 0 {
		files = slices.DeleteFunc(files, func(f string) bool { return !slices.Contains(wanted, f) })
	}
	switch {
	case len(files) > 0 && len(files) >= len(wanted):
		total, err := headerTotal(dir, files, tied)
		return total, "safetensors headers", err
	case ix.Metadata.TotalSize > 0 && ix.Metadata.TotalSize < 1<<50:
		return int64(ix.Metadata.TotalSize), "safetensors index", nil
	}
	return 0, "", errors.New("no safetensors file and no index: the size of the weights is unknown; give --weights-gib")
}

func shards(ix index) []string {
	var names []string
	for _, file := range ix.WeightMap {
		names = append(names, file)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func headerTotal(dir fs.FS, files []string, tied bool) (int64, error) {
	var total int64
	for _, name := range files {
		n, err := tensorBytes(dir, name, tied)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		total += n
	}
	return total, nil
}

// tensorBytes sums what the header of a safetensors file says of its tensors: eight bytes of length, then JSON.
func tensorBytes(dir fs.FS, name string, tied bool) (int64, error) {
	file, err := dir.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var length uint64
	if err := binary.Read(file, binary.LittleEndian, &length); err != nil {
		return 0, fmt.Errorf("no safetensors header (an unfetched pointer of Git LFS?): %w", err)
	}
	if length > headerBytes {
		return 0, fmt.Errorf("the header says that it has %d bytes: this is no safetensors file (an unfetched pointer of Git LFS?)", length)
	}
	return sumTensors(io.LimitReader(file, int64(length)), tied)
}

// sumTensors leaves out an output layer that the embeddings serve as, which some files hold all the same (Qwen3 0.6B).
func sumTensors(header io.Reader, tied bool) (int64, error) {
	var tensors map[string]json.RawMessage
	if err := json.NewDecoder(header).Decode(&tensors); err != nil {
		return 0, fmt.Errorf("safetensors header: %w", err)
	}
	var total int64
	for name, raw := range tensors {
		if name == "__metadata__" || tied && name == "lm_head.weight" {
			continue
		}
		var tensor struct {
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &tensor); err != nil {
			return 0, fmt.Errorf("safetensors header: tensor %q: %w", name, err)
		}
		n := tensor.Offsets[1] - tensor.Offsets[0]
		if n < 0 || n > 1<<50 || total > 1<<50 {
			return 0, fmt.Errorf("safetensors header: tensor %q has %d bytes", name, n)
		}
		total += n
	}
	return total, nil
}

func readLimited(dir fs.FS, name string, limit int64) ([]byte, error) {
	file, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes; it is not what its name says", name, limit)
	}
	return data, nil
}
