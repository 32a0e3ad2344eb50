package install

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kservegen/kservegen/e2e/tools"
)

// module is where the files of a pinned one are.
func module(t *testing.T, folder, name string) string {
	t.Helper()
	pins, err := filepath.Abs(filepath.Join("..", "..", "tools", folder))
	require.NoError(t, err)
	m, err := tools.Download(context.Background(), pins, name)
	require.NoError(t, err)
	return m.Dir
}

// TestScaling makes of the pinned modules' manifests what starts where trees expect Prometheus, from the images that are there.
func TestScaling(t *testing.T) {
	t.Parallel()
	p := Prometheus{
		Namespace: "metrics",
		Dir:       module(t, "prometheus-operator", "github.com/prometheus-operator/prometheus-operator"),
		Operator:  "localhost/operator:1", Reloader: "localhost/reloader:1", Server: "localhost/prometheus:1",
	}
	monitor, err := p.objects()
	require.NoError(t, err)
	a := Adapter{Namespace: "metrics", Dir: module(t, "adapter", "sigs.k8s.io/prometheus-adapter"), Image: "localhost/adapter:1", Rules: "rules: []"}
	adapter, err := a.objects()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		objects []map[string]any
		kinds   []string
		image   string
		args    []string
	}{
		"operator": {
			monitor, []string{"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Deployment", "Service", "ServiceAccount"},
			"localhost/operator:1", []string{"--prometheus-config-reloader=localhost/reloader:1"},
		},
		"adapter": {
			adapter, []string{"ClusterRole", "ClusterRoleBinding", "ConfigMap", "Deployment", "NetworkPolicy", "RoleBinding", "Service", "ServiceAccount"},
			"localhost/adapter:1", []string{"--prometheus-url=http://prometheus-operated.metrics.svc:9090/", "--metrics-relist-interval=15s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kinds []string
			for _, o := range c.objects {
				kinds = append(kinds, o["kind"].(string))
				namespace, _ := o["metadata"].(map[string]any)["namespace"].(string)
				if slices.Contains([]string{"Deployment", "Service", "ServiceAccount", "ConfigMap"}, o["kind"].(string)) {
					assert.Equal(t, "metrics", namespace, name)
				}
			}
			slices.Sort(kinds)
			assert.Equal(t, c.kinds, slices.Compact(kinds))
			i := slices.IndexFunc(c.objects, func(o map[string]any) bool { return o["kind"] == "Deployment" })
			var d appsv1.Deployment
			require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(c.objects[i], &d))
			assert.Equal(t, c.image, d.Spec.Template.Spec.Containers[0].Image)
			assert.Subset(t, d.Spec.Template.Spec.Containers[0].Args, c.args)
		})
	}
}
