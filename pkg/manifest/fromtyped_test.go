package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func TestFromTyped(t *testing.T) {
	t.Parallel()
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
	data, err := manifest.FromTyped(service)
	require.NoError(t, err)
	text, err := manifest.Marshal(data)
	require.NoError(t, err)
	assert.Equal(t, "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  ports:\n  - name: http\n    port: 80\n    targetPort: 0\n", string(text))

	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: "h"}}
	data, err = manifest.FromTyped(service)
	require.NoError(t, err)
	assert.Contains(t, data, "status", "a status with content is kept")
}

func TestFromTypedDropsNullTimestampsWithin(t *testing.T) {
	t.Parallel()
	// Metadata within a template has a creationTimestamp of its own.
	template := &corev1.PodTemplate{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}}}
	data, err := manifest.FromTyped(template)
	require.NoError(t, err)
	assert.NotContains(t, data["metadata"], "creationTimestamp")
	assert.NotContains(t, data["template"].(map[string]any)["metadata"], "creationTimestamp")

	template.CreationTimestamp = metav1.Unix(0, 0)
	data, err = manifest.FromTyped(template)
	require.NoError(t, err)
	assert.Contains(t, data["metadata"], "creationTimestamp", "a real one is kept")

	set := map[string]any{"creationTimestamp": nil, "items": []any{map[string]any{"creationTimestamp": nil, "status": map[string]any{}}}}
	data, err = manifest.FromTyped(&holder{Field: set})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"field": map[string]any{"items": []any{map[string]any{"status": map[string]any{}}}}}, data)
}

type holder struct {
	Field map[string]any `json:"field"`
}

func TestFromTypedKeepsIstiosOwnJSON(t *testing.T) {
	t.Parallel()
	rule := &istio.VirtualService{Spec: networking.VirtualService{Http: []*networking.HTTPRoute{{Timeout: durationpb.New(5e9)}}}}
	data, err := manifest.FromTyped(rule)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"http": []any{map[string]any{"timeout": "5s"}}}, data["spec"])
	assert.NotContains(t, data, "status")
}

func TestFromTypedReportsWhatItCannotConvert(t *testing.T) {
	t.Parallel()
	_, err := manifest.FromTyped("text")
	require.ErrorContains(t, err, "converting a string to data")
}
