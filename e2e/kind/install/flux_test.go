package install

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestFlux makes of each pinned module's manifests what starts in Flux's namespace with the rights that it has there.
func TestFlux(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		admin   bool
		role    string
		service bool
	}{
		"source-controller":    {role: "source-controller", service: true},
		"kustomize-controller": {admin: true, role: "cluster-admin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, err := FluxController{
				Name: name, Dir: module(t, name, "github.com/fluxcd/"+name), Image: "localhost/a:1", Args: []string{"--a=b"}, Admin: c.admin,
			}.objects()
			require.NoError(t, err)
			byKind := map[any][]map[string]any{}
			for _, o := range objects {
				byKind[o["kind"]] = append(byKind[o["kind"]], o)
			}
			assert.NotEmpty(t, byKind["CustomResourceDefinition"])
			assert.Equal(t, c.service, len(byKind["Service"]) == 1)
			require.Len(t, byKind["ClusterRoleBinding"], 1)
			assert.Equal(t, c.role, byKind["ClusterRoleBinding"][0]["roleRef"].(map[string]any)["name"])
			require.Len(t, byKind["ClusterRole"], 1)
			assert.Equal(t, name, byKind["ClusterRole"][0]["metadata"].(map[string]any)["name"])
			require.Len(t, byKind["Deployment"], 1)
			var d appsv1.Deployment
			require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(byKind["Deployment"][0], &d))
			assert.Equal(t, FluxNamespace, d.Namespace)
			assert.Equal(t, name, d.Spec.Template.Spec.ServiceAccountName)
			assert.Equal(t, "localhost/a:1", d.Spec.Template.Spec.Containers[0].Image)
			assert.NotContains(t, d.Spec.Template.Spec.Containers[0].Args, "--enable-leader-election")
			assert.Contains(t, d.Spec.Template.Spec.Containers[0].Args, "--watch-all-namespaces")
			assert.Contains(t, d.Spec.Template.Spec.Containers[0].Args, "--a=b")
		})
	}
}
