package native

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// resources checks requests and limits (ValidateContainerResourceRequirements). What has a limit and no request
// requests its limit.
func (r *report) resources(requirements corev1.ResourceRequirements, at *field.Path) {
	limits, requests := at.Child("limits"), at.Child("requests")
	for name, limit := range requirements.Limits {
		r.containerResource(name, limits.Key(string(name)))
		r.quantity(name, limit, limits.Key(string(name)))
	}
	for name, request := range requirements.Requests {
		r.containerResource(name, requests.Key(string(name)))
		r.quantity(name, request, requests.Key(string(name)))
		limit, limited := requirements.Limits[name]
		switch {
		case !limited && !overcommits(name):
			r.required(limits, "Limit must be set for non overcommitable resources")
		case limited && request.Cmp(limit) != 0 && !overcommits(name):
			r.invalid(requests, request.String(), fmt.Sprintf("must be equal to %s limit of %s", name, limit.String()))
		case limited && request.Cmp(limit) > 0:
			r.invalid(requests, request.String(), fmt.Sprintf("must be less than or equal to %s limit of %s", name, limit.String()))
		}
	}
	r.hugePages(requirements, at)
}

// hugePages belong to a pod that has memory or CPU of its own.
func (r *report) hugePages(requirements corev1.ResourceRequirements, at *field.Path) {
	huge, compute := false, false
	for _, list := range []corev1.ResourceList{requirements.Limits, requirements.Requests} {
		for name := range list {
			huge = huge || isHugePages(name)
			compute = compute || name == corev1.ResourceCPU || name == corev1.ResourceMemory
		}
	}
	if huge && !compute {
		r.forbidden(at, "HugePages require cpu or memory")
	}
}

// containerResource is cpu, memory, ephemeral-storage, huge pages, or vendor.example/something.
func (r *report) containerResource(name corev1.ResourceName, at *field.Path) {
	if !r.resourceName(name, at) {
		return
	}
	standard := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}
	switch {
	case !qualified(name):
		r.check(slices.Contains(standard, name) || isHugePages(name), at, name, "must be a standard resource for containers")
	case !isNative(name):
		r.check(isExtended(name), at, name, "doesn't follow extended resource name standard")
	}
}

// resourceName is what may stand anywhere (validateResourceName).
func (r *report) resourceName(name corev1.ResourceName, at *field.Path) bool {
	if messages := validation.IsQualifiedName(string(name)); len(messages) > 0 {
		r.invalid(at, name, messages...)
		return false
	}
	if !qualified(name) && !isHugePages(name) && !slices.Contains(quotaResources(), name) && name != corev1.ResourceStorage {
		r.invalid(at, name, "must be a standard resource type or fully qualified")
		return false
	}
	return true
}

// quantity is not negative, and whole where the resource has no parts (ValidateResourceQuantityValue).
func (r *report) quantity(name corev1.ResourceName, quantity resource.Quantity, at *field.Path) {
	r.notNegative(quantity, at)
	counted := []corev1.ResourceName{
		corev1.ResourcePods, corev1.ResourceQuotas, corev1.ResourceServices, corev1.ResourceReplicationControllers,
		corev1.ResourceSecrets, corev1.ResourceConfigMaps, corev1.ResourcePersistentVolumeClaims,
		corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers,
	}
	if (slices.Contains(counted, name) || isExtended(name)) && quantity.MilliValue()%1000 != 0 {
		r.invalid(at, quantity.String(), "must be an integer")
	}
}

// quotaResources are the names without a domain that a quota may limit.
func quotaResources() []corev1.ResourceName {
	return []corev1.ResourceName{
		corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
		corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceRequestsStorage, corev1.ResourceRequestsEphemeralStorage,
		corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceLimitsEphemeralStorage,
		corev1.ResourcePods, corev1.ResourceQuotas, corev1.ResourceServices, corev1.ResourceReplicationControllers,
		corev1.ResourceSecrets, corev1.ResourcePersistentVolumeClaims, corev1.ResourceConfigMaps,
		corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers,
	}
}

func qualified(name corev1.ResourceName) bool { return strings.Contains(string(name), "/") }

func isHugePages(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

func isNative(name corev1.ResourceName) bool {
	return !qualified(name) || strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}

func isExtended(name corev1.ResourceName) bool {
	return !isNative(name) && !strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix) &&
		len(validation.IsQualifiedName(corev1.DefaultResourceRequestsPrefix+string(name))) == 0
}

// overcommits says whether a container may request less than its limit.
func overcommits(name corev1.ResourceName) bool { return isNative(name) && !isHugePages(name) }
