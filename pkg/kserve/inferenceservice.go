package kserve

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// format is the model format of vLLM runtimes; the case matters (kserve#2372).
	format = "vLLM"
	// storelessFormat is the only format that KServe does not take for a multi-model server, with an agent
	// sidecar, where there is no storageUri (IsMMSPredictor, kserve#3449). The simulator has no weights.
	storelessFormat = "huggingface"
)

// InferenceService builds the service of one revision.
func (b *Builder) InferenceService(t spec.Target, r spec.RevisionTarget) (manifest.Object, error) {
	predictor, err := b.predictor(t, r)
	if err != nil {
		return manifest.Object{}, err
	}
	isvc := &v1beta1.InferenceService{
		TypeMeta: metav1.TypeMeta{APIVersion: v1beta1.SchemeGroupVersion.String(), Kind: "InferenceService"},
		ObjectMeta: metav1.ObjectMeta{
			Name: t.Qualified(r.Name), Namespace: t.Namespace,
			Labels:      t.RevisionLabels(spec.ComponentServer, r.Name),
			Annotations: map[string]string{constants.DeploymentMode: string(constants.Standard), constants.AutoscalerClass: string(AutoscalerClass(t, r))},
		},
		Spec: v1beta1.InferenceServiceSpec{Predictor: predictor},
	}
	if r.Network != nil {
		isvc.Annotations[constants.CustomGPUResourceTypesAnnotationKey] = fmt.Sprintf("[%q]", r.Network.Resource)
	}
	if r.Model.Cache != nil {
		isvc.Annotations[constants.NodeGroupAnnotationKey] = r.Model.Cache.NodeGroup
	}
	isvc.Labels[constants.NetworkVisibility] = constants.ClusterLocalVisibility
	return manifest.Object{
		File: "inferenceservice-" + r.Name, Typed: isvc, Comments: explain(t, r, predictor),
		// KServe's webhook refuses a name here; the container's is the runtime's (kserve#4472, validatePredictor in
		// pkg/apis/serving/v1beta1/inference_service_validation.go).
		Absent: []string{"/spec/predictor/model/name"},
	}, nil
}

// predictor of a revision. The runtime's entry of the catalogue decides how long a pod may take to stop, and how much of the
// node's disk it takes.
func (b *Builder) predictor(t spec.Target, r spec.RevisionTarget) (v1beta1.PredictorSpec, error) {
	entry, err := b.template(r.Runtime.Name)
	if err != nil {
		return v1beta1.PredictorSpec{}, err
	}
	server := entry.runtime.Spec.Containers[0]
	grace, cache := int64(GracePeriod(server, r).Seconds()), cacheGiB(entry.runtime)
	predictor := v1beta1.PredictorSpec{
		Model:                  modelSpec(t, r, cache),
		PodSpec:                podSpec(t, r, grace),
		ComponentExtensionSpec: extension(t, r),
	}
	predictor.InitContainers, predictor.Volumes = await(r, server, constants.PvcSourceMountName), awaited(r)
	if r.MultiNode() {
		predictor.WorkerSpec = workerSpec(t, r, grace, cache)
		predictor.WorkerSpec.InitContainers, predictor.WorkerSpec.Volumes = await(r, server, constants.PvcSourceMountName), awaited(r)
	}
	return predictor, nil
}

// Scales reports whether an autoscaler of ours sets the number of replicas.
func Scales(t spec.Target, r spec.RevisionTarget) bool {
	return t.Scaling.Type != "off" && r.MaxReplicas > r.MinReplicas
}

// scaler is the kind of the object that does.
func scaler(t spec.Target) string {
	if t.Scaling.Type == spec.KEDA {
		return "ScaledObject"
	}
	return "HorizontalPodAutoscaler"
}

// AutoscalerClass is external where our own HorizontalPodAutoscaler or ScaledObject scales, and none for a fixed number:
// with none KServe writes minReplicas into the Deployment at every change, with any other class it leaves its replicas alone
// (createRawDefaultDeployment and Reconcile in its reconcilers/deployment/deployment_reconciler.go). KServe's own class hpa
// would make an autoscaler on CPU, which says nothing about a GPU; its class keda drops the policies of the behavior, and
// has neither a fallback nor a cooldown.
func AutoscalerClass(t spec.Target, r spec.RevisionTarget) constants.AutoscalerClassType {
	if Scales(t, r) {
		return constants.AutoscalerClassExternal
	}
	return constants.AutoscalerClassNone
}

func modelSpec(t spec.Target, r spec.RevisionTarget, cache int64) *v1beta1.ModelSpec {
	model := &v1beta1.ModelSpec{
		ModelFormat: v1beta1.ModelFormat{Name: format},
		Runtime:     ptr.To(t.Qualified(r.Name)),
	}
	model.Container.Resources = resources(r, cache)
	if r.Model.Source == "" {
		model.ModelFormat.Name = storelessFormat
		return model
	}
	if r.Model.Streamed || r.Model.Restored() {
		model.ModelFormat.Name = storelessFormat
		return model
	}
	model.StorageURI = ptr.To(r.Model.Source)
	return model
}

func resources(r spec.RevisionTarget, cache int64) corev1.ResourceRequirements {
	list := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(string(r.Resources.CPU)),
		corev1.ResourceMemory: resource.MustParse(string(r.Resources.Memory)),
	}
	if r.Devices > 0 {
		list[corev1.ResourceName(r.Accelerator.Resource)] = *resource.NewQuantity(int64(r.DevicesPerNode()), resource.DecimalSI)
	}
	if r.Network != nil {
		list[corev1.ResourceName(r.Network.Resource)] = *resource.NewQuantity(int64(r.Network.PerNode), resource.DecimalSI)
	}
	requirements := corev1.ResourceRequirements{Requests: list, Limits: maps.Clone(list)}
	if r.Runtime.Name == spec.Simulator {
		delete(requirements.Limits, corev1.ResourceCPU) // throttling would add to the latencies that it simulates
	}
	if downloaded(r) {
		list[corev1.ResourceEphemeralStorage] = *resource.NewQuantity((r.WeightsBytes>>30+1+cache)<<30, resource.BinarySI)
	}
	return requirements
}

// cacheGiB is what the server may write to the node's disk besides the weights: what the runtime's volumes hold there.
func cacheGiB(runtime *v1alpha1.ServingRuntime) int64 {
	bytes := int64(0)
	for _, volume := range runtime.Spec.Volumes {
		if e := volume.EmptyDir; e != nil && e.Medium == corev1.StorageMediumDefault && e.SizeLimit != nil {
			bytes += e.SizeLimit.Value()
		}
	}
	return bytes >> 30
}

// downloaded reports that the weights land on the node's disk, and how much that is.
func downloaded(r spec.RevisionTarget) bool {
	return r.Model.Downloads() && !r.Model.Streamed && r.WeightsBytes > 0
}

func podSpec(t spec.Target, r spec.RevisionTarget, grace int64) v1beta1.PodSpec {
	pod := v1beta1.PodSpec{
		AutomountServiceAccountToken:  ptr.To(false),
		EnableServiceLinks:            ptr.To(false),
		TerminationGracePeriodSeconds: ptr.To(grace),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   ptr.To(true),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		ServiceAccountName: t.Name,
		SchedulerName:      r.SchedulerName,
	}
	if !r.MultiNode() {
		pod.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: t.RevisionSelector(r.Name)},
		}}
	}
	for _, group := range r.DeviceGroups {
		pod.SecurityContext.SupplementalGroups = append(pod.SecurityContext.SupplementalGroups, int64(group))
	}
	if r.Devices > 0 {
		pod.Affinity = affinity(r)
		if r.MultiNode() {
			pod.Affinity = together(pod.Affinity, t, r)
		}
		pod.Tolerations = []corev1.Toleration{{Key: r.Accelerator.TaintKey, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}}
	}
	return pod
}

// affinity asks for a node with the accelerator, by any of the labels that find one.
func affinity(r spec.RevisionTarget) *corev1.Affinity {
	var terms []corev1.NodeSelectorTerm
	for _, node := range r.Accelerator.Nodes {
		var term corev1.NodeSelectorTerm
		for _, label := range node {
			term.MatchExpressions = append(term.MatchExpressions, corev1.NodeSelectorRequirement{
				Key: label.Key, Operator: corev1.NodeSelectorOpIn, Values: label.Values,
			})
		}
		terms = append(terms, term)
	}
	if len(terms) == 0 {
		return nil
	}
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}
}

// together adds that the pods of a group are in one zone. The first of them fits its own selector and is free to choose.
// Groups of a LeaderWorkerSet choose each for itself: their pods have a label of the group.
func together(affinity *corev1.Affinity, t spec.Target, r spec.RevisionTarget) *corev1.Affinity {
	if affinity == nil {
		affinity = &corev1.Affinity{}
	}
	term := corev1.PodAffinityTerm{
		LabelSelector: &metav1.LabelSelector{MatchLabels: t.RevisionSelector(r.Name)}, TopologyKey: corev1.LabelTopologyZone,
	}
	if t.Groups() {
		term.MatchLabelKeys = []string{groupLabel}
	}
	affinity.PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}
	return affinity
}

// groupLabel has the same value on all pods of a group of a LeaderWorkerSet (lws: api/leaderworkerset/v1).
const groupLabel = "leaderworkerset.sigs.k8s.io/group-key"

func extension(t spec.Target, r spec.RevisionTarget) v1beta1.ComponentExtensionSpec {
	return v1beta1.ComponentExtensionSpec{
		MinReplicas:        ptr.To(int32(r.MinReplicas)),
		MaxReplicas:        int32(r.MaxReplicas),
		Labels:             podLabels(t, r),
		Annotations:        podAnnotations(t, r),
		DeploymentStrategy: strategy(r),
	}
}

// strategy never surges. Over several nodes KServe surges the workers by 100% whatever a rolling update says
// (createRawWorkerDeployment in pkg/controller/v1beta1/inferenceservice/reconcilers/deployment), and head and workers of
// two generations do not fit together.
func strategy(r spec.RevisionTarget) *appsv1.DeploymentStrategy {
	if r.MultiNode() {
		return &appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
	}
	return &appsv1.DeploymentStrategy{
		Type: appsv1.RollingUpdateDeploymentStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDeployment{
			MaxSurge: ptr.To(intstr.FromInt32(0)), MaxUnavailable: ptr.To(intstr.FromInt32(1)),
		},
	}
}

// podLabels are what policies, budgets and monitors select pods by.
func podLabels(t spec.Target, r spec.RevisionTarget) map[string]string {
	labels := maps.Clone(t.RevisionSelector(r.Name))
	labels["sidecar.istio.io/inject"] = "true"
	return labels
}

// podAnnotations: besides what all pods have, the sidecar merges the server's metrics into its own port.
func podAnnotations(t spec.Target, r spec.RevisionTarget) map[string]string {
	annotations := spec.SidecarAnnotations()
	annotations["prometheus.io/scrape"] = "true"
	annotations["prometheus.io/port"] = strconv.Itoa(t.Port())
	annotations["prometheus.io/path"] = "/metrics"
	if r.MultiNode() {
		annotations["traffic.sidecar.istio.io/includeInboundPorts"] = strconv.Itoa(t.Port())
		annotations["traffic.sidecar.istio.io/excludeOutboundIPRanges"] = "0.0.0.0/0,::/0"
	}
	return annotations
}

func explain(t spec.Target, r spec.RevisionTarget, predictor v1beta1.PredictorSpec) manifest.Comments {
	const pod = "/spec/predictor"
	at := map[string]string{
		"/metadata/annotations/serving.kserve.io~1deploymentMode": "Written out: the cluster's default may be Knative. Standard has no canary of its own on\nKServe 0.20 (kserve#5335); the " + t.RouteKind() + " splits the traffic.",
		"/metadata/labels/networking.kserve.io~1visibility":       "No second way in by an Ingress or HTTPRoute of KServe's (kserve#2283).",
	}
	explainPredictor(at, pod, r, predictor.Model.Resources)
	if r.Model.Cache != nil {
		at["/metadata/annotations/serving.kserve.io~1nodegroup"] = "Pods mount the copy of the LocalModelCache that these nodes have (setLocalModelLabel in\npkg/apis/serving/v1beta1/inference_service_defaults.go), which must be there when this is applied: KServe looks for it when this object changes."
	}
	at[pod+"/deploymentStrategy"] = "No surge: it would need spare devices, and a replica that cannot be scheduled blocks the\nrollout (kserve#4618). A new version is a new revision, not a rollout."
	switch {
	case Scales(t, r) && t.Scaling.Type == spec.KEDA:
		at["/metadata/annotations/serving.kserve.io~1autoscalerClass"] = "Our ScaledObject scales. KServe's class keda would drop the pace, the fallback and the cooldown; none\nwould set the replicas back to the minimum at every change."
	case Scales(t, r):
		at["/metadata/annotations/serving.kserve.io~1autoscalerClass"] = "Our HorizontalPodAutoscaler scales on a metric of vLLM; KServe's own would use CPU."
	default:
		at["/metadata/annotations/serving.kserve.io~1autoscalerClass"] = "A fixed number of replicas; KServe's default would scale on CPU, idle on a GPU server."
	}
	if r.MultiNode() {
		explainGroup(at, pod, r)
	}
	head := fmt.Sprintf("Revision %s of %s. It is not edited any more once it serves: change by a new revision.", r.Name, t.Name)
	return manifest.Comments{Head: head, At: at}
}

// explainPredictor comments a predictor at a pointer.
func explainPredictor(at map[string]string, pointer string, r spec.RevisionTarget, resources corev1.ResourceRequirements) {
	explainPod(at, pointer, r)
	explainAwait(at, pointer, r)
	explainAnnotations(at, pointer)
	explainResources(at, pointer+"/model", "What a replica takes. Said here, they win over any of the runtime's.", resources)
	if r.Model.Streamed {
		at[pointer+"/model/modelFormat"] = "The server reads the weights itself. Without a storageUri every other format becomes a multi-model server\nwith an agent sidecar (kserve#3449)."
	}
	if r.Model.Restored() {
		at[pointer+"/model/modelFormat"] = "The weights are on a volume of the pod's own, which no storageUri can name. Without one every other format becomes\na multi-model server with an agent sidecar (kserve#3449)."
	}
	if r.Model.Source == "" {
		at[pointer+"/model/modelFormat"] = "The simulator has no weights. Without a storageUri every other format becomes a\nmulti-model server with an agent sidecar (kserve#3449)."
	}
}

// explainPod comments what podSpec builds, at a pointer.
func explainPod(at map[string]string, pod string, r spec.RevisionTarget) {
	at[pod+"/automountServiceAccountToken"] = "The server does not talk to the API server."
	at[pod+"/enableServiceLinks"] = "A Service named vllm would set VLLM_PORT to a URL, which vLLM refuses (vllm/envs.py)."
	at[pod+"/terminationGracePeriodSeconds"] = "preStop + drain + teardown: streams may end before the pod does."
	if !r.MultiNode() {
		at[pod+"/topologySpreadConstraints"] = "Over zones where there are some; never Pending because of it."
	}
	if r.SchedulerName != "" {
		at[pod+"/schedulerName"] = "From spec.accelerator.schedulerName; pods stay Pending until it runs in the cluster."
	}
	if r.Accelerator.Vendor == "amd" {
		at[pod+"/securityContext"] = "/dev/kfd and /dev/dri belong to the node's groups render and video: supplementalGroups, from\nspec.accelerator.deviceGroups, or the server finds no GPU (ROCm/k8s-device-plugin#39)."
	}
	if r.Devices > 0 && len(r.Accelerator.Nodes) > 0 {
		at[pod+"/affinity"] = fmt.Sprintf("Nodes with %s, by any label that tells.", r.Accelerator.Product)
	}
}

func explainAnnotations(at map[string]string, parent string) {
	at[parent+"/annotations/proxy.istio.io~1config"] = "The sidecar stays until its connections are gone, or a stream is cut at shutdown."
	at[parent+"/annotations/prometheus.io~1port"] = "Istio merges these metrics into its own on 15020, which stays reachable under STRICT."
}

func explainResources(at map[string]string, container, why string, resources corev1.ResourceRequirements) {
	at[container+"/resources"] = why
	if disk, ok := resources.Requests[corev1.ResourceEphemeralStorage]; ok {
		at[container+"/resources/requests/ephemeral-storage"] = fmt.Sprintf("Weights and caches are on the node's disk; %d GiB of it must be free.", disk.Value()>>30)
	}
}
