package rule

import "strings"

// Kind is the kind of an object and its group, Kind.group; the version doesn't matter to rules.
type Kind string

// Kinds that rules ask for.
const (
	InferenceService        Kind = "InferenceService.serving.kserve.io"
	LLMInferenceService     Kind = "LLMInferenceService.serving.kserve.io"
	ServingRuntime          Kind = "ServingRuntime.serving.kserve.io"
	ClusterServingRuntime   Kind = "ClusterServingRuntime.serving.kserve.io"
	ClusterStorageContainer Kind = "ClusterStorageContainer.serving.kserve.io"

	VirtualService        Kind = "VirtualService.networking.istio.io"
	DestinationRule       Kind = "DestinationRule.networking.istio.io"
	Gateway               Kind = "Gateway.networking.istio.io"
	ServiceEntry          Kind = "ServiceEntry.networking.istio.io"
	Sidecar               Kind = "Sidecar.networking.istio.io"
	PeerAuthentication    Kind = "PeerAuthentication.security.istio.io"
	AuthorizationPolicy   Kind = "AuthorizationPolicy.security.istio.io"
	RequestAuthentication Kind = "RequestAuthentication.security.istio.io"
	HTTPRoute             Kind = "HTTPRoute.gateway.networking.k8s.io"
	// KubernetesGateway is that of the Gateway API; Gateway is Istio's.
	KubernetesGateway Kind = "Gateway.gateway.networking.k8s.io"

	ReferenceGrant Kind = "ReferenceGrant.gateway.networking.k8s.io"

	Namespace               Kind = "Namespace"
	ResourceQuota           Kind = "ResourceQuota"
	Service                 Kind = "Service"
	ServiceAccount          Kind = "ServiceAccount"
	Secret                  Kind = "Secret"
	ConfigMap               Kind = "ConfigMap"
	Pod                     Kind = "Pod"
	PersistentVolumeClaim   Kind = "PersistentVolumeClaim"
	PersistentVolume        Kind = "PersistentVolume"
	StorageClass            Kind = "StorageClass.storage.k8s.io"
	Deployment              Kind = "Deployment.apps"
	StatefulSet             Kind = "StatefulSet.apps"
	Job                     Kind = "Job.batch"
	LeaderWorkerSet         Kind = "LeaderWorkerSet.leaderworkerset.x-k8s.io"
	HorizontalPodAutoscaler Kind = "HorizontalPodAutoscaler.autoscaling"
	PodDisruptionBudget     Kind = "PodDisruptionBudget.policy"
	NetworkPolicy           Kind = "NetworkPolicy.networking.k8s.io"
	ScaledObject            Kind = "ScaledObject.keda.sh"
	PodMonitor              Kind = "PodMonitor.monitoring.coreos.com"
	ServiceMonitor          Kind = "ServiceMonitor.monitoring.coreos.com"
	PrometheusRule          Kind = "PrometheusRule.monitoring.coreos.com"

	Role               Kind = "Role.rbac.authorization.k8s.io"
	RoleBinding        Kind = "RoleBinding.rbac.authorization.k8s.io"
	ClusterRole        Kind = "ClusterRole.rbac.authorization.k8s.io"
	ClusterRoleBinding Kind = "ClusterRoleBinding.rbac.authorization.k8s.io"

	// NodePool is Karpenter's and that of EKS Auto Mode, EC2NodeClass that of Karpenter's provider for AWS.
	NodePool     Kind = "NodePool.karpenter.sh"
	EC2NodeClass Kind = "EC2NodeClass.karpenter.k8s.aws"
	// SecurityGroupPolicy is EKS'.
	SecurityGroupPolicy Kind = "SecurityGroupPolicy.vpcresources.k8s.aws"

	VolumeSnapshot        Kind = "VolumeSnapshot.snapshot.storage.k8s.io"
	VolumeSnapshotContent Kind = "VolumeSnapshotContent.snapshot.storage.k8s.io"
	// LocalModelCache and LocalModelNodeGroup are KServe's.
	LocalModelCache     Kind = "LocalModelCache.serving.kserve.io"
	LocalModelNodeGroup Kind = "LocalModelNodeGroup.serving.kserve.io"

	// Kustomization stands for every kustomization file, Components too; these may leave their kind out.
	Kustomization Kind = "Kustomization.kustomize.config.k8s.io"
	// Patch stands for strategic merge patches in files of their own.
	Patch Kind = "strategic merge patch"
	// FluxKustomization tells Flux to apply a folder.
	FluxKustomization Kind = "Kustomization.kustomize.toolkit.fluxcd.io"
)

// Name is the kind without its group.
func (k Kind) Name() string {
	name, _, _ := strings.Cut(string(k), ".")
	return name
}

// group is empty for the core group.
func (k Kind) group() string {
	_, group, _ := strings.Cut(string(k), ".")
	return group
}

// PredictorKinds are those that Context.Predictors reads.
func PredictorKinds(more ...Kind) []Kind {
	return append([]Kind{InferenceService, ServingRuntime, ClusterServingRuntime}, more...)
}

// WorkloadKinds are those that Context.Workloads reads.
func WorkloadKinds(more ...Kind) []Kind {
	return append(PredictorKinds(LLMInferenceService, LeaderWorkerSet, Deployment, StatefulSet, Pod), more...)
}

// ServiceKinds are those that Context.Services reads.
func ServiceKinds(more ...Kind) []Kind {
	return append(PredictorKinds(LLMInferenceService, Service, ServiceEntry), more...)
}

func kindOf(apiVersion, kind string) Kind {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return Kind(kind)
	}
	return Kind(kind + "." + group)
}
