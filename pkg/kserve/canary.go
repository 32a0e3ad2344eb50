package kserve

import (
	"fmt"

	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// Canary builds the one InferenceService of all revisions, whose routes KServe makes. The stable revision is its predictor;
// the others are its canary. Each has the name, and so the Deployment and the Service, that it would have by itself, and
// promoting one starts no pod (pkg/apis/serving/v1beta1/inference_service.go).
//
// The percentages are 0 here: an overlay's traffic.yaml says the real ones.
func (b *Builder) Canary(t spec.Target) (manifest.Object, error) {
	stable := t.Stable()
	predictor, err := b.predictor(t, stable)
	if err != nil {
		return manifest.Object{}, err
	}
	predictor.Name = stable.Name
	predictor.TimeoutSeconds = ptr.To[int64](0)
	isvc := &v1beta1.InferenceService{
		TypeMeta: metav1.TypeMeta{APIVersion: v1beta1.SchemeGroupVersion.String(), Kind: "InferenceService"},
		ObjectMeta: metav1.ObjectMeta{
			Name: t.Name, Namespace: t.Namespace, Labels: t.Labels(spec.ComponentServer),
			Annotations: map[string]string{constants.DeploymentMode: string(constants.Standard), constants.AutoscalerClass: string(constants.AutoscalerClassNone)},
		},
		Spec: v1beta1.InferenceServiceSpec{Predictor: predictor},
	}
	at := map[string]string{
		"/metadata/annotations/serving.kserve.io~1deploymentMode":  "KServe's webhook refuses a canary without this very word.",
		"/metadata/annotations/serving.kserve.io~1autoscalerClass": "A fixed number of replicas: KServe scales no canary.",
		"/spec/predictor/name":               "The stable revision. Its Deployment and Service are " + t.Predictor(stable.Name) + ".",
		"/spec/predictor/minReplicas":        "Those of the canary are taken from these once it is ready, down to one.",
		"/spec/predictor/timeout":            "None. Left out, KServe's HTTPRoutes cut every stream after 60 s (httproute_reconciler.go).",
		"/spec/predictor/deploymentStrategy": "No surge: it would need spare devices, and a replica that cannot be scheduled blocks the\nrollout (kserve#4618). A new version is a canary, not a rollout.",
	}
	explainPredictor(at, "/spec/predictor", stable, predictor.Model.Resources)
	for _, r := range canaries(t) {
		canary, err := b.canary(t, r)
		if err != nil {
			return manifest.Object{}, err
		}
		pointer := fmt.Sprintf("/spec/canary/%d", len(isvc.Spec.Canary))
		at[pointer+"/trafficPercent"] = "Constant here; the overlay's traffic.yaml says it. The stable revision has the rest."
		at[pointer+"/predictor"] = "Revision " + r.Name + ", by itself: KServe merges it over the stable one."
		at[pointer+"/predictor/model/name"] = "The CRD asks for it here, and not in spec.predictor, where the webhook refuses one (kserve#4472)."
		isvc.Spec.Canary = append(isvc.Spec.Canary, canary)
	}
	return manifest.Object{
		File: "inferenceservice", Typed: isvc, Absent: []string{"/spec/predictor/model/name"},
		Comments: manifest.Comments{At: at, Head: "All revisions of " + t.Name + ". KServe makes a Deployment and a Service of each, and shares the requests\nat its gateway by weight. For KServe 0.21, which is expected:\n" + spec.PinnedKServe + " and its patches route nothing to a canary (kserve#5912)."},
	}, nil
}

// canary has what the predictor of a revision has, without what KServe refuses there or does not apply: an upper end of
// replicas, and a strategy.
func (b *Builder) canary(t spec.Target, r spec.RevisionTarget) (v1beta1.CanarySpec, error) {
	predictor, err := b.predictor(t, r)
	if err != nil {
		return v1beta1.CanarySpec{}, err
	}
	predictor.Name, predictor.Model.Name = r.Name, Container
	predictor.MaxReplicas, predictor.DeploymentStrategy, predictor.MinReplicas = 0, nil, nil
	if r.MinReplicas != t.Stable().MinReplicas {
		predictor.MinReplicas = ptr.To(int32(r.MinReplicas))
	}
	return v1beta1.CanarySpec{Predictor: predictor}, nil
}

// canaries are the revisions beside the stable one, in the order of the document.
func canaries(t spec.Target) []spec.RevisionTarget {
	stable := t.Stable()
	var list []spec.RevisionTarget
	for _, r := range t.Revisions {
		if r.Name != stable.Name {
			list = append(list, r)
		}
	}
	return list
}

// CanaryTraffic lists what traffic.yaml sets in the object that Canary builds. The stable revision has no number: it gets
// the rest.
func CanaryTraffic(t spec.Target) []traffic.Weight {
	var list []traffic.Weight
	for i, r := range canaries(t) {
		pointer := fmt.Sprintf("/spec/canary/%d", i)
		list = append(list, traffic.Weight{
			Revision: r.Name, Value: r.Weight, Service: r.Name,
			Path: pointer + "/trafficPercent", ServicePath: pointer + "/predictor/name",
		})
	}
	return list
}
