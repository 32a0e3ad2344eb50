package native

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Object is an object in the Go type of its kind.
type Object struct{ typed any }

// Decode decodes an object; of a kind that has no checks here, into nothing. An error is what the server refuses while
// it decodes.
func Decode(gvk schema.GroupVersionKind, object map[string]any) (Object, error) {
	typed := typeOf(gvk)
	if typed == nil {
		return Object{}, nil
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, typed); err != nil {
		return Object{}, err
	}
	return Object{typed}, nil
}

func typeOf(gvk schema.GroupVersionKind) any {
	version := gvk.GroupVersion()
	switch version {
	case corev1.SchemeGroupVersion:
		return coreType(gvk.Kind)
	case appsv1.SchemeGroupVersion:
		return appsType(gvk.Kind)
	case networkingv1.SchemeGroupVersion:
		return networkingType(gvk.Kind)
	case rbacv1.SchemeGroupVersion:
		return rbacType(gvk.Kind)
	}
	switch gvk {
	case batchv1.SchemeGroupVersion.WithKind("Job"):
		return &batchv1.Job{}
	case batchv1.SchemeGroupVersion.WithKind("CronJob"):
		return &batchv1.CronJob{}
	case autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"):
		return &autoscalingv2.HorizontalPodAutoscaler{}
	case policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"):
		return &policyv1.PodDisruptionBudget{}
	case schedulingv1.SchemeGroupVersion.WithKind("PriorityClass"):
		return &schedulingv1.PriorityClass{}
	case storagev1.SchemeGroupVersion.WithKind("StorageClass"):
		return &storagev1.StorageClass{}
	}
	return nil
}

func coreType(kind string) any {
	switch kind {
	case "Pod":
		return &corev1.Pod{}
	case "Service":
		return &corev1.Service{}
	case "PersistentVolumeClaim":
		return &corev1.PersistentVolumeClaim{}
	case "PersistentVolume":
		return &corev1.PersistentVolume{}
	case "LimitRange":
		return &corev1.LimitRange{}
	case "ResourceQuota":
		return &corev1.ResourceQuota{}
	case "ConfigMap":
		return &corev1.ConfigMap{}
	case "Secret":
		return &corev1.Secret{}
	case "Namespace":
		return &corev1.Namespace{}
	}
	return nil
}

func appsType(kind string) any {
	switch kind {
	case "Deployment":
		return &appsv1.Deployment{}
	case "ReplicaSet":
		return &appsv1.ReplicaSet{}
	case "StatefulSet":
		return &appsv1.StatefulSet{}
	case "DaemonSet":
		return &appsv1.DaemonSet{}
	}
	return nil
}

func networkingType(kind string) any {
	switch kind {
	case "Ingress":
		return &networkingv1.Ingress{}
	case "IngressClass":
		return &networkingv1.IngressClass{}
	case "NetworkPolicy":
		return &networkingv1.NetworkPolicy{}
	}
	return nil
}

func rbacType(kind string) any {
	switch kind {
	case "Role":
		return &rbacv1.Role{}
	case "ClusterRole":
		return &rbacv1.ClusterRole{}
	case "RoleBinding":
		return &rbacv1.RoleBinding{}
	case "ClusterRoleBinding":
		return &rbacv1.ClusterRoleBinding{}
	}
	return nil
}

// Check returns what is wrong between the fields.
func (o Object) Check() field.ErrorList {
	var r report
	spec := field.NewPath("spec")
	switch o := o.typed.(type) {
	case *corev1.Pod:
		r.pod(&o.Spec, spec)
	case *corev1.Service:
		r.service(&o.Spec, spec)
	case *corev1.PersistentVolumeClaim:
		r.claim(&o.Spec, spec)
	case *corev1.PersistentVolume:
		r.volume(&o.Spec, spec)
	case *corev1.LimitRange:
		r.limitRange(&o.Spec, spec)
	case *corev1.ResourceQuota:
		r.quota(&o.Spec, spec)
	case *corev1.ConfigMap:
		r.configMap(o)
	case *corev1.Secret:
		r.secret(o)
	case *corev1.Namespace:
		r.podSecurity(o.Labels, field.NewPath("metadata", "labels"))
	case *policyv1.PodDisruptionBudget:
		r.disruptionBudget(&o.Spec, spec)
	case *autoscalingv2.HorizontalPodAutoscaler:
		r.autoscaler(&o.Spec, spec)
	case *schedulingv1.PriorityClass:
		r.priorityClass(o)
	case *storagev1.StorageClass:
		r.storageClass(o)
	default:
		r.workload(o, spec)
		r.networking(o, spec)
		r.rbac(o)
	}
	return r.errs
}
