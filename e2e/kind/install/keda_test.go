package install

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestKEDA makes of the pinned module's manifests what starts from the images that are there, and brings every definition that
// the operator watches.
func TestKEDA(t *testing.T) {
	t.Parallel()
	k := KEDA{Dir: module(t, "keda", "github.com/kedacore/keda/v2"), Operator: "localhost/operator:1", Adapter: "localhost/adapter:1"}
	objects, err := k.objects()
	require.NoError(t, err)
	images, kinds := map[string]string{}, map[string]int{}
	for _, o := range objects {
		kinds[o["kind"].(string)]++
		if o["kind"] != "Deployment" {
			continue
		}
		var d appsv1.Deployment
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o, &d))
		assert.Equal(t, kedaNamespace, d.Namespace)
		container := d.Spec.Template.Spec.Containers[0]
		images[d.Name] = container.Image
		assert.Empty(t, container.Command, "upstream's images have their programs elsewhere")
		assert.NotContains(t, container.Args, "--leader-elect")
	}
	assert.Equal(t, map[string]string{"keda-operator": "localhost/operator:1", "keda-metrics-apiserver": "localhost/adapter:1"}, images)
	assert.Equal(t, 6, kinds["CustomResourceDefinition"])
	assert.Equal(t, 1, kinds["APIService"])
	assert.Zero(t, kinds["Kustomization"])
	assert.Zero(t, kinds["ValidatingWebhookConfiguration"], "its program is not built")
}
