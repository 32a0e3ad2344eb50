package native

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// claim asks for more than nothing (ValidatePersistentVolumeClaimSpec).
func (r *report) claim(spec *corev1.PersistentVolumeClaimSpec, at *field.Path) {
	if len(spec.AccessModes) == 0 {
		r.required(at.Child("accessModes"), "at least 1 access mode is required")
	}
	r.alone(spec.AccessModes, at)
	place := at.Child("resources").Key(string(corev1.ResourceStorage))
	size, ok := spec.Resources.Requests[corev1.ResourceStorage]
	switch {
	case !ok:
		r.required(place, "")
	case size.Sign() <= 0:
		r.invalid(place, size.String(), "must be greater than zero")
	}
}

// alone: one pod that writes excludes the other modes.
func (r *report) alone(modes []corev1.PersistentVolumeAccessMode, at *field.Path) {
	other := func(mode corev1.PersistentVolumeAccessMode) bool { return mode != corev1.ReadWriteOncePod }
	if slices.Contains(modes, corev1.ReadWriteOncePod) && slices.ContainsFunc(modes, other) {
		r.forbidden(at.Child("accessModes"), "may not use ReadWriteOncePod with other access modes")
	}
}

// volume has a size and one source (ValidatePersistentVolumeSpec).
func (r *report) volume(spec *corev1.PersistentVolumeSpec, at *field.Path) {
	capacity := at.Child("capacity")
	if len(spec.Capacity) == 0 {
		r.required(capacity, "")
	} else if _, ok := spec.Capacity[corev1.ResourceStorage]; !ok || len(spec.Capacity) > 1 {
		r.add(field.NotSupported(capacity, "", []corev1.ResourceName{corev1.ResourceStorage}))
	}
	for name, size := range spec.Capacity {
		r.check(size.Sign() > 0, capacity.Key(string(name)), size.String(), "must be greater than zero")
	}
	r.alone(spec.AccessModes, at)
	switch sources := set(spec.PersistentVolumeSource); len(sources) {
	case 0:
		r.required(at, "must specify a volume type")
	case 1:
	default:
		r.forbidden(at.Child(sources[1]), "may not specify more than 1 volume type")
	}
	if spec.HostPath != nil {
		r.noWayUp(spec.HostPath.Path, at.Child("hostPath", "path"))
		if spec.HostPath.Path == "/" && spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRecycle {
			r.forbidden(at.Child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'")
		}
	}
	if spec.CSI != nil {
		r.driver(spec.CSI.Driver, at.Child("csi", "driver"))
	}
	switch nodes := at.Child("nodeAffinity", "required"); {
	case spec.NodeAffinity == nil && spec.Local != nil:
		r.required(at.Child("nodeAffinity"), "Local volume requires node affinity")
	case spec.NodeAffinity == nil:
	case spec.NodeAffinity.Required == nil:
		r.required(nodes, "must specify required node constraints")
	default:
		r.nodeSelector(spec.NodeAffinity.Required, nodes)
	}
}

func (r *report) storageClass(class *storagev1.StorageClass) {
	if class.Provisioner != "" {
		r.invalid(field.NewPath("provisioner"), class.Provisioner, validation.IsQualifiedName(strings.ToLower(class.Provisioner))...)
	}
	terms := sets.Set[string]{}
	for i, term := range class.AllowedTopologies {
		if text := term.String(); terms.Has(text) || len(term.MatchLabelExpressions) == 0 {
			r.add(field.Duplicate(field.NewPath("allowedTopologies").Index(i).Child("matchLabelExpressions"), ""))
		} else {
			terms.Insert(text)
		}
		keys := distinct{}
		for j, expression := range term.MatchLabelExpressions {
			place := field.NewPath("allowedTopologies").Index(i).Child("matchLabelExpressions").Index(j)
			if len(expression.Values) == 0 {
				r.required(place.Child("values"), "")
			}
			r.invalid(place.Child("key"), expression.Key, validation.IsQualifiedName(expression.Key)...)
			keys.add(r, place.Child("key"), expression.Key)
			values := distinct{}
			for k, value := range expression.Values {
				values.add(r, place.Child("values").Index(k), value)
			}
		}
	}
}
