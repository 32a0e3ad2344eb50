package catalog

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation"
)

// fewest is how many models the catalogue promises at least.
const fewest = 40

// oneNumber is parameters as people write them: 7.62B.
const oneNumber = `^\d+(\.\d+)?[BT]$`

func architectures(t *testing.T) []Architecture {
	t.Helper()
	all, err := Architectures()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), fewest)
	return all
}

func TestArchitectures(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range architectures(t) {
		t.Run(a.Name, func(t *testing.T) {
			assert.Empty(t, validation.IsDNS1123Subdomain(a.Name))
			assert.Regexp(t, hubID, a.ID)
			assert.Regexp(t, oneNumber, a.Parameters)
			if a.ActiveParameters != "" {
				assert.Regexp(t, oneNumber, a.ActiveParameters)
			}
			assert.Equal(t, a.WeightsBytes > 0, a.WeightsFrom != "", "bytes and where they come from go together")
			if a.WeightsBytes > 0 {
				assert.Contains(t, []string{"index", "computed", "published", "unsourced"}, a.WeightsFrom)
			} else {
				assert.NotEmpty(t, a.Notes, "what is missing is said")
			}
			purposes := assertReadings(t, a.Sources)
			if a.WeightsFrom == "index" || a.WeightsFrom == "published" {
				assert.True(t, purposes["weights"] || purposes["check"], "the bytes have a source")
			}
			config, err := a.Config()
			require.NoError(t, err)
			assert.True(t, json.Valid(config))
		})
		assert.False(t, seen[a.Name] || seen[a.ID], "%s is there twice", a.Name)
		seen[a.Name], seen[a.ID] = true, true
	}
}

// assertReadings returns what the readings are for.
func assertReadings(t *testing.T, readings []Reading) map[string]bool {
	t.Helper()
	purposes := map[string]bool{}
	for _, r := range readings {
		assertSources(t, []string{r.URL})
		assert.Contains(t, []string{"config", "weights", "parameters", "check"}, r.For)
		_, err := time.Parse(time.DateOnly, r.Read)
		require.NoError(t, err)
		purposes[r.For] = true
	}
	assert.True(t, purposes["config"], "the numbers of config.json have a source")
	return purposes
}

// Every model with layouts has its config.json here, and both state the same numbers.
func TestArchitecturesAgreeWithModels(t *testing.T) {
	t.Parallel()
	for _, m := range models(t) {
		a, ok, err := FindArchitecture(m.Name)
		require.NoError(t, err)
		require.True(t, ok, "%s has no architecture", m.Name)
		c := text(configOf(t, a))
		assert.Equal(t, m.AttentionHeads, c.n("num_attention_heads"), "%s", m.Name)
		assert.Equal(t, m.KVHeads, c.n("num_key_value_heads"), "%s", m.Name)
		assert.Equal(t, m.Layers, c.n("num_hidden_layers"), "%s", m.Name)
		assert.Equal(t, m.HiddenSize, c.n("hidden_size"), "%s", m.Name)
		assert.Equal(t, m.MaxPositions, c.n("max_position_embeddings"), "%s", m.Name)
		assert.Equal(t, m.VocabSize, c.n("vocab_size"), "%s", m.Name)
		assert.Equal(t, m.ID, a.ID)
		assert.Equal(t, m.WeightsBytes, a.WeightsBytes)
	}
}

// A fact lives in one place: what models.yaml states is not repeated, and two models with one config.json share it.
func TestArchitecturesRepeatNothing(t *testing.T) {
	t.Parallel()
	stated, err := read[Architecture]("data/architectures.yaml")
	require.NoError(t, err)
	used := map[string]bool{}
	for _, a := range stated {
		if _, ok, _ := FindModel(a.Name); ok {
			assert.Empty(t, a.ID+a.Parameters, "%s is in models.yaml", a.Name)
			assert.Zero(t, a.WeightsBytes, "%s is in models.yaml", a.Name)
		}
		used[a.Name+".json"] = used[a.Name+".json"] || a.SharedConfig == ""
	}
	entries, err := configs.ReadDir("data/configs")
	require.NoError(t, err)
	contents := map[string]string{}
	for _, e := range entries {
		assert.True(t, used[e.Name()], "no architecture uses %s", e.Name())
		data, err := os.ReadFile("data/configs/" + e.Name())
		require.NoError(t, err)
		assert.Empty(t, contents[string(data)], "%s repeats it", e.Name())
		contents[string(data)] = e.Name()
	}
}

// What config.json says besides sizes stays out: tokens, dropout, prose.
func TestConfigsHoldOnlyWhatMattersToMemory(t *testing.T) {
	t.Parallel()
	for _, a := range architectures(t) {
		c := configOf(t, a)
		require.NotEmpty(t, c["architectures"], "%s", a.Name)
		require.NotEmpty(t, c["model_type"], "%s", a.Name)
		for _, size := range []string{"hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size", "max_position_embeddings"} {
			assert.Positive(t, text(c).n(size), "%s: %s", a.Name, size)
		}
		for _, key := range keys(c) {
			for _, out := range []string{"token", "dropout", "initializer", "_eps", "auto_map", "version", "use_cache", "_name_or_path"} {
				counted := strings.HasSuffix(key, "_per_token") || key == "max_image_tokens"
				assert.False(t, strings.Contains(key, out) && !counted, "%s has %s", a.Name, key)
			}
		}
	}
}

func keys(c config) []string {
	var out []string
	for key, value := range c {
		out = append(out, key)
		if nested, ok := value.(map[string]any); ok {
			out = append(out, keys(nested)...)
		}
	}
	slices.Sort(out)
	return out
}

func TestFindArchitecture(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", "META-LLAMA/llama-3.2-1b-instruct"} {
		a, ok, err := FindArchitecture(want)
		require.NoError(t, err)
		assert.True(t, ok, want)
		assert.Equal(t, "llama-3.2-1b", a.Name)
	}
	_, ok, err := FindArchitecture("nobody/nothing")
	require.NoError(t, err)
	assert.False(t, ok)
	_, err = Architecture{Name: "nobody"}.Config()
	assert.ErrorContains(t, err, "nobody")
}

// What a caller does to a result must not reach the next caller.
func TestArchitecturesAreCopies(t *testing.T) {
	t.Parallel()
	a, _, err := FindArchitecture("deepseek-v3")
	require.NoError(t, err)
	a.Notes[0], a.Sources[0].URL = "x", "x"
	again, _, err := FindArchitecture("deepseek-v3")
	require.NoError(t, err)
	assert.NotEqual(t, "x", again.Notes[0])
	assert.NotEqual(t, "x", again.Sources[0].URL)
}

func TestParseOfArchitecturesIsStrict(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"- {name: a, weightBytes: 1}", "- {name: a, sources: [{page: b}]}", "- {name: a, weightsBytes: many}"} {
		_, err := parse[Architecture]("x.yaml", []byte(text))
		assert.ErrorContains(t, err, "x.yaml")
	}
}
