package effective_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// TestTemplatesAreBounded: each of these takes gigabytes or for ever once it is executed.
func TestTemplatesAreBounded(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{
		"{{range 9999999999}}x{{end}}", "{{- range .Labels}}{{end}}", "{{ \trange 9999999999}}x{{end}}", "{{printf `%999999999d` 1}}",
		"{{.Name | printf `%999999999s`}}", "{{define `a`}}{{template `a`}}{{template `a`}}{{end}}{{template `a`}}", "{{block `a` .}}{{end}}",
		"a{{if 1}}{{range 9999999999}}x{{end}}{{end}}", "{{\nrange 9999999999}}x{{end}}",
	} {
		resources := resourcesOf(t, "")
		model := at(resources[1].Data, "spec", "predictor", "model").(map[string]any)
		model["args"] = []any{arg}
		found := of(t, resources)
		require.NotEmpty(t, found.Services[0].Refused, arg)
		assert.Equal(t, "kservegen", found.Services[0].Refused[0].By, arg)
		assert.Contains(t, found.Services[0].Refused[0].Error(), "not run: /spec/predictor/model/args/0 holds", arg)

		resources = resourcesOf(t, "")
		at(resources[0].Data, "spec", "containers", "kserve-container").(map[string]any)["args"] = []any{arg}
		assert.Equal(t, "ServingRuntime", of(t, resources).Refused[0].Object.Kind)
	}
	assert.NotNil(t, serve(t, `isvc: {spec: {predictor: {model: {args: ["--range=1", "printf", "{{.Name}}-range"]}}}}`).Pod())
}

// FuzzOf: whatever the objects hold, the answer is an Effect or an error, soon.
func FuzzOf(f *testing.F) {
	for _, patch := range []string{"", workers, class("keda", kedaMetric), `isvc: {spec: {predictor: {model: {storageUri: null}}}}`, `isvc: {spec: {predictor: {model: {args: ["{{.Name}}"]}}}}`} {
		resources := resourcesOf(f, patch)
		var text []string
		for _, resource := range resources {
			data, err := utiljson.Marshal(resource.Data)
			require.NoError(f, err)
			text = append(text, string(data))
		}
		f.Add(strings.Join(text, "\n"))
	}
	builder, err := effective.New(effective.Options{Explain: true})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		var resources []manifest.Resource
		for line := range strings.SplitSeq(text, "\n") {
			var data map[string]any
			if utiljson.Unmarshal([]byte(line), &data) == nil {
				resources = append(resources, manifest.Resource{Data: data})
			}
		}
		found, err := builder.Of(t.Context(), resources)
		if err != nil {
			return
		}
		for _, service := range found.Services {
			for _, object := range append(service.Objects, service.Pods...) {
				if _, err := manifest.Marshal(object.Data); err != nil {
					continue // text that YAML cannot hold
				}
				_, err := manifest.MarshalCommented(object.Data, object.Comments())
				assert.NoError(t, err, "a comment without a place")
			}
		}
	})
}
