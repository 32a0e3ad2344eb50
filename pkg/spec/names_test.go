package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/spec"
)

func TestDeriveName(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"deepseek-ai/DeepSeek-R1":                  "deepseek-r1",
		"meta-llama/Llama-3.1-8B-Instruct":         "llama-3-1-8b-instruct",
		"deepseek-ai/DeepSeek-R1-Distill-Qwen-14B": "deepseek-r1-distill-qwen-14b",
		"01-ai/01-Yi_34B":                          "m-01-yi-34b",
		"a/--b..c--":                               "b-c",
		"a/模型":                                     "",
		"gpt2":                                     "gpt2",
		"a/b/":                                     "",
		"":                                         "",
	} {
		assert.Equal(t, want, spec.DeriveName(id), "%q", id)
	}
}

func TestDerivedNamesAreLegal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := spec.DeriveName(rapid.StringOf(rapid.RuneFrom([]rune("aZ09-._/é模 "))).Draw(t, "id"))
		if name != "" {
			assert.Regexp(t, `^[a-z]([-a-z0-9]*[a-z0-9])?$`, name)
		}
	})
}

// Every model of the catalogue has a name of its own that leaves room for a revision and a namespace.
func TestCatalogueNames(t *testing.T) {
	t.Parallel()
	models, err := catalog.Models()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, model := range models {
		name := spec.DeriveName(model.ID)
		assert.Falsef(t, seen[name], "%s twice", name)
		seen[name] = true
		assert.LessOrEqual(t, len(name+"-v10-predictor-default"), 63, name)
	}
}

// The host of the predictor's Service is <name>-<revision>-predictor-<namespace>, the pods' label
// isvc.<name>-<revision>-predictor; 63 characters are fine and 64 are not.
func TestSizesOfNames(t *testing.T) {
	t.Parallel()
	for label, test := range map[string]struct {
		name, revision, namespace int
		wants                     []string
	}{
		"host of 63":          {name: 40, revision: 3, namespace: 8},
		"host of 64":          {name: 40, revision: 3, namespace: 9, wants: []string{"is 64 characters, KServe allows 63 (kserve#4807)"}},
		"label of 63":         {name: 40, revision: 7, namespace: 4},
		"label of 64":         {name: 40, revision: 8, namespace: 3, wants: []string{"the pod label", "is 64 characters, Kubernetes allows 63"}},
		"long revision":       {name: 1, revision: 46, namespace: 1},
		"a longer one":        {name: 1, revision: 47, namespace: 1, wants: []string{"the pod label"}},
		"namespace of 48":     {name: 1, revision: 2, namespace: 48},
		"both are too long":   {name: 40, revision: 8, namespace: 4, wants: []string{"is 64 characters, KServe", "is 64 characters, Kubernetes"}},
		"longest of all":      {name: 1, revision: 1, namespace: 49},
		"one more is no host": {name: 1, revision: 1, namespace: 50, wants: []string{"is 64 characters, KServe"}},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			metadata := "name: " + strings.Repeat("a", test.name) + ", namespace: " + strings.Repeat("n", test.namespace)
			text := named(metadata, "revisions: [{name: "+strings.Repeat("r", test.revision)+"}]")
			_, err := spec.Load("document.yaml", strings.NewReader(text))
			if len(test.wants) == 0 {
				require.NoError(t, err)
			}
			for _, want := range test.wants {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// The revision v1 that a document does not name counts as well.
func TestSizeOfTheImpliedRevision(t *testing.T) {
	t.Parallel()
	namespace := strings.Repeat("n", 40)
	load(t, named("name: aaaaaaaaa, namespace: "+namespace))
	_, err := spec.Load("document.yaml", strings.NewReader(named("name: aaaaaaaaaa, namespace: "+namespace)))
	require.ErrorContains(t, err, "document.yaml:3:18: metadata.name: \"aaaaaaaaaa-v1-predictor-"+namespace+"\" is 64 characters")
}

func TestEnvironmentNameIsAFolder(t *testing.T) {
	t.Parallel()
	load(t, document("environments: [{name: "+strings.Repeat("e", 63)+"}]"))
	_, err := spec.Load("document.yaml", strings.NewReader(document("environments: [{name: "+strings.Repeat("e", 64)+"}]")))
	require.ErrorContains(t, err, "is the name of a folder")
}
