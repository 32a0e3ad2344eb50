package render

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

// TestConversionIsApimachinerys compares our conversion of every object of random documents with that of
// apimachinery, the authority, and with encoding/json.
func TestConversionIsApimachinerys(t *testing.T) {
	t.Parallel()
	builder := kserve.NewBuilder()
	rapid.Check(t, func(rt *rapid.T) {
		deployments, err := spec.Load("document.yaml", strings.NewReader(spectest.Document(rt)))
		require.NoError(rt, err)
		for _, target := range deployments[0].Environments {
			planned, err := plan(builder, target, nil)
			require.NoError(rt, err)
			for _, object := range planned.objects {
				ours, err := manifest.FromTyped(object.Typed)
				require.NoError(rt, err)
				theirs, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object.Typed)
				require.NoError(rt, err)
				delete(theirs, "status")
				require.Equal(rt, theirs, ours, object.File)
				encoded, err := json.Marshal(object.Typed)
				require.NoError(rt, err)
				var decoded map[string]any
				require.NoError(rt, json.Unmarshal(encoded, &decoded))
				delete(decoded, "status")
				again, err := json.Marshal(decoded)
				require.NoError(rt, err)
				own, err := json.Marshal(ours)
				require.NoError(rt, err)
				require.JSONEq(rt, string(again), string(own), object.File)
			}
		}
	})
}
