package clients

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// schema wants every custom resource to fit its CRD: shape, lists, CEL rules and no unknown field.
func (s *suite) schema(t *testing.T) {
	t.Parallel()
	custom := map[schema.GroupVersionKind]bool{}
	objects := make([][]*unstructured.Unstructured, len(s.overlays))
	samples := map[schema.GroupVersionKind]*unstructured.Unstructured{}
	for i, o := range s.overlays {
		for _, data := range o.objects {
			object := decodeObject(t, data)
			if gvk := object.GroupVersionKind(); !scheme.Scheme.Recognizes(gvk) {
				custom[gvk] = true
				samples[gvk] = object
				objects[i] = append(objects[i], object)
			}
		}
	}
	crds, err := compileCRDs(t.Context(), custom)
	require.NoError(t, err)
	for gvk := range custom {
		require.Containsf(t, crds, gvk, "no CRD has this kind")
	}
	for i, o := range s.overlays {
		for _, object := range objects[i] {
			problems := crds[object.GroupVersionKind()].problems(t.Context(), object.Object)
			assert.Emptyf(t, problems, "%s: %s %s", o.name(), object.GetKind(), object.GetName())
		}
	}
	for gvk, object := range samples {
		t.Run(gvk.Kind+" can be refused", func(t *testing.T) { refused(t, crds[gvk], object) })
	}
}

// decodeObject has integers as int64, which the validators want.
func decodeObject(t *testing.T, data []byte) *unstructured.Unstructured {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(data)
	require.NoError(t, err)
	object := &unstructured.Unstructured{}
	require.NoError(t, utiljson.Unmarshal(asJSON, &object.Object))
	return object
}

// refused damages a valid object in several ways that the schema must see.
func refused(t *testing.T, crd resource, object *unstructured.Unstructured) {
	t.Helper()
	damages := map[string]struct {
		kind  string // of the objects that have this field; all, where it is empty
		path  []string
		value any
		want  string
	}{
		"unknown field": {"", []string{"spec", "unknownField"}, "x", "unknown field spec.unknownField"},
		"wrong type":    {"", []string{"spec"}, "x", "must be of type object"},
		"deep": {"InferenceService", []string{"spec", "predictor", "minReplicas"}, "two",
			"must be of type integer"},
		"rule": {"VirtualService", []string{"spec", "http"}, []any{map[string]any{"timeout": "0s"}},
			"must be a valid duration greater than 1ms"},
	}
	for name, damage := range damages {
		if damage.kind != "" && damage.kind != object.GetKind() {
			continue
		}
		damaged := object.DeepCopy()
		require.NoError(t, unstructured.SetNestedField(damaged.Object, damage.value, damage.path...))
		problems := crd.problems(t.Context(), damaged.Object)
		assert.Contains(t, strings.Join(problems, "\n"), damage.want, name)
	}
}
