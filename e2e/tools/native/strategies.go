package main

import (
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/replicaset"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/batch/cronjob"
	"k8s.io/kubernetes/pkg/registry/batch/job"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/limitrange"
	"k8s.io/kubernetes/pkg/registry/core/namespace"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/resourcequota"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/ingressclass"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrole"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"

	// Each registers its versions, defaults and conversions.
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
)

// strategies are what the server runs on create, by kind; no two of these groups share a kind.
func strategies() map[string]rest.RESTCreateStrategy {
	return map[string]rest.RESTCreateStrategy{
		"DaemonSet":               daemonset.Strategy,
		"Deployment":              deployment.Strategy,
		"ReplicaSet":              replicaset.Strategy,
		"StatefulSet":             statefulset.Strategy,
		"HorizontalPodAutoscaler": horizontalpodautoscaler.Strategy,
		"CronJob":                 cronjob.Strategy,
		"Job":                     job.Strategy,
		"ConfigMap":               configmap.Strategy,
		"LimitRange":              limitrange.Strategy,
		"Namespace":               namespace.Strategy,
		"PersistentVolume":        persistentvolume.Strategy,
		"PersistentVolumeClaim":   persistentvolumeclaim.Strategy,
		"Pod":                     pod.Strategy,
		"ResourceQuota":           resourcequota.Strategy,
		"Secret":                  secret.Strategy,
		"Service":                 service.Strategy,
		"ServiceAccount":          serviceaccount.Strategy,
		"Ingress":                 ingress.Strategy,
		"IngressClass":            ingressclass.Strategy,
		"NetworkPolicy":           networkpolicy.Strategy,
		"PodDisruptionBudget":     poddisruptionbudget.Strategy,
		"ClusterRole":             clusterrole.Strategy,
		"ClusterRoleBinding":      clusterrolebinding.Strategy,
		"Role":                    role.Strategy,
		"RoleBinding":             rolebinding.Strategy,
		"PriorityClass":           priorityclass.Strategy,
		"StorageClass":            storageclass.Strategy,
	}
}
