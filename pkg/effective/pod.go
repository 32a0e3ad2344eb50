package effective

import (
	"context"
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/kserve/kserve/pkg/webhook/admission/pod"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// admitPod is what happens to a Deployment's pod on its way into the cluster. Other webhooks, of a service mesh
// for example, are not KServe's. The pod is appended to the list.
func (r *run) admitPod(ctx context.Context, deployment *appsv1.Deployment, pods *[]Object) error {
	template := deployment.Spec.Template.DeepCopy()
	asked := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: deployment.Name + "-", Namespace: deployment.Namespace, Labels: template.Labels, Annotations: template.Annotations},
		Spec:       template.Spec,
	}
	raw, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	seen, err := r.webhookSees(asked)
	if err != nil {
		return err
	}
	if seen {
		if raw, err = r.mutate(ctx, asked, raw); err != nil {
			return err
		}
	}
	var data map[string]any
	if err := utiljson.Unmarshal(raw, &data); err != nil {
		return err
	}
	*pods = append(*pods, Object{Data: clean(data)})
	return nil
}

func (r *run) mutate(ctx context.Context, asked *corev1.Pod, raw []byte) ([]byte, error) {
	mutator := &pod.Mutator{Client: r.store, Clientset: clientset{store: r.store}, Decoder: r.builder.decoder}
	response, err := handle(ctx, mutator, asked)
	if err != nil {
		return nil, err
	}
	if err = denied(response); err != nil || len(response.Patches) == 0 {
		return raw, err
	}
	operations, err := json.Marshal(response.Patches)
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(operations)
	if err != nil {
		return nil, fmt.Errorf("reading the webhook's patch: %w", err)
	}
	return patch.Apply(raw)
}

// webhookSees evaluates the selectors of the webhook's configuration. A namespace that the input does not bring
// has no labels.
func (r *run) webhookSees(asked *corev1.Pod) (bool, error) {
	selectors := r.builder.shipped.PodWebhook
	for _, pair := range []struct {
		selector metav1.LabelSelector
		labels   map[string]string
	}{{selectors.Namespace, r.cluster.namespaces[asked.Namespace]}, {selectors.Object, asked.Labels}} {
		selector, err := metav1.LabelSelectorAsSelector(&pair.selector)
		if err != nil {
			return false, err
		}
		if !selector.Matches(labels.Set(pair.labels)) {
			return false, nil
		}
	}
	return true, nil
}
