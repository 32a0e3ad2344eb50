package importer_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// TestNoValueIsPassedOver changes every value of objects that others wrote, one at a time: the document or the report must
// tell the difference, or there must be an error.
func TestNoValueIsPassedOver(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("some hundred imports")
	}
	inputs, err := filepath.Glob("testdata/*/input.yaml")
	require.NoError(t, err)
	for _, input := range inputs {
		t.Run(filepath.Base(filepath.Dir(input)), func(t *testing.T) {
			t.Parallel()
			in, err := importer.Read(t.Context(), []string{input}, nil, nil)
			require.NoError(t, err)
			was, told := outcome(in), report(in)
			resources := in.Environments[0].Resources
			for i := range resources {
				for _, pointer := range values("", resources[i].Data) {
					if meansNothing(resources[i], pointer) {
						continue
					}
					changed := slices.Clone(resources)
					changed[i].Data = manifest.DeepCopy(resources[i].Data)
					change(changed[i].Data, pointer)
					other := importer.Input{Environments: []importer.Environment{{Name: "default", Resources: changed}}}
					if report(other) == told && outcome(other) == was { // both are long
						assert.Fail(t, "nothing tells the difference", "%s %s %s", resources[i].Kind(), resources[i].Name(), pointer)
					}
				}
			}
		})
	}
}

// TestAnyShapeIsRead puts something of another type into every third place where something stands. The document is not made
// short: that looks at nothing of the input.
func TestAnyShapeIsRead(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("some hundred imports")
	}
	for _, name := range []string{"canary", "httproute"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := importer.Read(t.Context(), []string{"testdata/" + name + "/input.yaml"}, nil, nil)
			require.NoError(t, err)
			readInAnyShape(t, in.Environments[0].Resources)
		})
	}
}

func readInAnyShape(t *testing.T, resources []manifest.Resource) {
	t.Helper()
	odd := []any{nil, "odd", int64(-1), []any{}, map[string]any{}, []any{nil}, []any{map[string]any{}}, true}
	n := 0
	for i := range resources {
		for at, pointer := range places("", resources[i].Data) {
			if at%3 != 0 {
				continue
			}
			changed := slices.Clone(resources)
			changed[i].Data = manifest.DeepCopy(resources[i].Data)
			set(changed[i].Data, pointer, func(any) any { return odd[n%len(odd)] })
			n++
			assert.NotPanics(t, func() {
				report(importer.Input{Environments: []importer.Environment{{Name: "default", Resources: changed}}})
			}, pointer)
		}
	}
}

// places lists the pointers of everything below an object.
func places(pointer string, v any) []string {
	var list []string
	if pointer != "" {
		list = append(list, pointer)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			list = append(list, places(pointer+"/"+manifest.EscapeToken(key), v[key])...)
		}
	case []any:
		for i, value := range v {
			list = append(list, places(fmt.Sprintf("%s/%d", pointer, i), value)...)
		}
	}
	return list
}

// meansNothing lists what may change unseen.
func meansNothing(r manifest.Resource, pointer string) bool {
	switch {
	// An API matures; what a Secret holds is not told, nor is what looks like one.
	case pointer == "/apiVersion", r.Kind() == "Secret", isSecret(r, pointer):
		return true
	// It must fit the labels.
	case r.Kind() == "Deployment" && strings.HasPrefix(pointer, "/spec/selector"):
		return true
	// Which interpreter runs vLLM's module.
	case strings.HasSuffix(r.Kind(), "ServingRuntime") && strings.HasSuffix(pointer, "/command/0"):
		return true
	// The InferenceService has other ones, and KServe merges those over it.
	case r.Kind() == "ClusterServingRuntime" && strings.Contains(pointer, "/resources/"):
		return true
	// KServe mounts weights read-only.
	case strings.HasSuffix(pointer, "/volumeMounts/0/readOnly"):
		return true
	}
	return false
}

// isSecret says whether a value is one that no report may show.
func isSecret(r manifest.Resource, pointer string) bool {
	value, _ := manifest.ValueAt(r.Data, pointer)
	return strings.Contains(fmt.Sprint(value), "do-not-print-me")
}

func outcome(in importer.Input) string {
	proposal, err := importer.Import(in, importer.Options{})
	if err != nil {
		return err.Error()
	}
	return proposal.Document + reportOf(proposal)
}

// report is that of an input whose document is not made short yet: the report stays the same by that, and it is most of the
// work.
func report(in importer.Input) string {
	proposal, err := importer.ImportUncut(in)
	if err != nil {
		return err.Error()
	}
	return reportOf(proposal)
}

// values lists the pointers of all scalars.
func values(pointer string, v any) []string {
	var list []string
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			list = append(list, values(pointer+"/"+manifest.EscapeToken(key), value)...)
		}
	case []any:
		for i, value := range v {
			list = append(list, values(fmt.Sprintf("%s/%d", pointer, i), value)...)
		}
	case nil:
	default:
		list = append(list, pointer)
	}
	return list
}

// change makes a scalar another one.
func change(data map[string]any, pointer string) {
	set(data, pointer, func(v any) any {
		switch v := v.(type) {
		case string:
			return v + "7"
		case int64:
			return v + 7
		case bool:
			return !v
		}
		return "other"
	})
}

// set replaces what stands at a pointer.
func set(data map[string]any, pointer string, by func(any) any) {
	slash := strings.LastIndexByte(pointer, '/')
	holder, _ := manifest.ValueAt(data, pointer[:slash])
	token := pointer[slash+1:]
	switch holder := holder.(type) {
	case map[string]any:
		key := manifest.UnescapeToken(token)
		holder[key] = by(holder[key])
	case []any:
		i, _ := manifest.IndexOf(holder, token)
		holder[i] = by(holder[i])
	}
}
