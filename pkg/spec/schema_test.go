package spec_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

var update = flag.Bool("update", false, "write schema.json")

const schemaID = "https://kservegen.dev/schema/modeldeployment-v1alpha1.json"

// TestSchema: schema.json is what the Go types and their comments say.
func TestSchema(t *testing.T) {
	t.Parallel()
	reflector := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, Mapper: scalars}
	require.NoError(t, reflector.AddGoComments("github.com/kservegen/kservegen/pkg/spec", "."))
	schema := reflector.Reflect(&spec.ModelDeployment{})
	schema.ID = schemaID
	schema.Title = spec.Kind
	data, err := json.MarshalIndent(schema, "", "  ")
	require.NoError(t, err)
	text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(data)) + "\n"
	if *update {
		require.NoError(t, os.WriteFile("schema.json", []byte(text), 0o600))
		return
	}
	assert.Equal(t, text, spec.Schema(), "run make generate")
}

// scalars are the types that take more than one form in YAML.
func scalars(t reflect.Type) *jsonschema.Schema {
	scalar := []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}
	switch t {
	case reflect.TypeFor[spec.Count]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer", Minimum: "1"}, {Const: spec.Auto}}}
	case reflect.TypeFor[spec.Text]():
		return &jsonschema.Schema{OneOf: scalar}
	case reflect.TypeFor[spec.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[spec.Arg]():
		return &jsonschema.Schema{OneOf: append(scalar, &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{OneOf: scalar}})}
	case reflect.TypeFor[spec.Omittable]():
		var names []any
		for _, name := range spec.Omittables() {
			names = append(names, string(name))
		}
		return &jsonschema.Schema{Type: "string", Enum: names}
	}
	return nil
}
