package edit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/rollout/edit"
)

var (
	weight  = edit.Path{"spec", "traffic", 1, "weight"}
	traffic = edit.Path{"spec", "traffic"}
)

func share() *yaml.Node { return edit.Map("revision", edit.Text("v3"), "weight", edit.Number(5)) }

// TestLayouts: each file of testdata is a document, what is asked of it, and what it must become, to the byte.
func TestLayouts(t *testing.T) {
	t.Parallel()
	ops := map[string]edit.Op{
		"replace":        edit.Replace(weight, edit.Number(100)),
		"append":         edit.Append(traffic, share()),
		"remove first":   edit.Remove(edit.Path{"spec", "traffic", 0}),
		"remove last":    edit.Remove(edit.Path{"spec", "traffic", 1}),
		"remove field":   edit.Remove(edit.Path{"spec", "rollout"}),
		"remove end":     edit.Remove(edit.Path{"spec", "rollout", "to"}),
		"insert":         edit.Insert(edit.Path{"spec"}, []string{"revisions", "model"}, "traffic", edit.List(share())),
		"insert below":   edit.Insert(edit.Path{"spec", "environments", 0}, []string{"name"}, "traffic", edit.List(share())),
		"insert scalar":  edit.Insert(edit.Path{"spec", "rollout"}, nil, "to", edit.Text("on")),
		"append to none": edit.Append(edit.Path{"spec", "revisions"}, edit.Map("name", edit.Text("v1"))),
	}
	paths, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(paths), 10)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			parts := strings.Split(string(data), "#### ")
			require.GreaterOrEqual(t, len(parts), 3, "the document, and what becomes of it")
			for _, part := range parts[2:] {
				name, want, _ := strings.Cut(part, "\n")
				op, known := ops[name]
				require.True(t, known, name)
				_, document, _ := strings.Cut(parts[1], "\n")
				for _, lineBreak := range []string{"\n", "\r\n"} {
					with := strings.NewReplacer("\n", lineBreak)
					got, err := edit.Apply("d.yaml", []byte(with.Replace(document)), 0, op)
					if message, refused := strings.CutPrefix(want, "refused: "); refused {
						require.Error(t, err, name)
						var problems manifest.Problems
						require.ErrorAs(t, err, &problems)
						assert.Contains(t, err.Error(), strings.TrimSpace(message), name)
						continue
					}
					require.NoError(t, err, name)
					assert.Equal(t, with.Replace(want), string(got), name)
				}
			}
		})
	}
}

// TestOneOfSeveralDocuments: the others keep every byte, and empty ones do not count.
func TestOneOfSeveralDocuments(t *testing.T) {
	t.Parallel()
	const file = "---\n# nothing\n---\nspec: {traffic: [{weight: 1}, {weight: 2}]}\n---\nspec: {traffic: [{weight: 3}, {weight: 4}]}\n"
	got, err := edit.Apply("d.yaml", []byte(file), 1, edit.Replace(weight, edit.Number(100)))
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(file, "4", "100", 1), string(got))
	_, err = edit.Apply("d.yaml", []byte(file), 2, edit.Replace(weight, edit.Number(100)))
	require.ErrorContains(t, err, "was the file changed meanwhile?")
	got, err = edit.Apply("d.yaml", []byte("\ufeffspec: {traffic: [0, {weight: 4}]}"), 0, edit.Replace(weight, edit.Number(100)), edit.Append(traffic, edit.Number(7)))
	require.NoError(t, err)
	assert.Equal(t, "\ufeffspec: {traffic: [0, {weight: 100}, 7]}", string(got))
}

// TestTextIsText: whatever a string looks like, it is read as that string, by YAML 1.1 and 1.2.
func TestTextIsText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"v1", "1", "0x1f", "1e3", "on", "no", "null", "true", "~", "", " ", "a b", "a: b", "a #b", "#a", "- a", "{a}", "[a", "a,b", "'", "\"", "\\", "ä", "a\nb", "\t", "2026-11-01", "!a", "&a", "*a", "%a", "@a", "`a", "?", "a:", ".inf", "y", "=", "<<", "s3://a/b:c", "12:30:45"} {
		got, err := edit.Apply("d.yaml", []byte("spec: {traffic: [{}]}\n"), 0,
			edit.Insert(edit.Path{"spec", "traffic", 0}, nil, "a", edit.Text(text)), edit.Append(traffic, edit.Text(text)))
		require.NoError(t, err, text)
		var read struct {
			Spec struct{ Traffic []yaml.Node }
		}
		require.NoError(t, yaml.Unmarshal(got, &read))
		last := read.Spec.Traffic[1]
		assert.Equal(t, text, last.Value, string(got))
		assert.Equal(t, yaml.NodeTagString, last.ShortTag(), string(got))
		assert.False(t, last.Style == 0 && yaml.IsYaml1_1NonString(&last), "%s: YAML 1.1 reads something else", got)
	}
}
