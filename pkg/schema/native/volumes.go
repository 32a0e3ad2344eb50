package native

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// volumes checks them and returns those that can be mounted: a volume that is wrong is none (ValidateVolumes).
func (r *report) volumes(volumes []corev1.Volume, at *field.Path) map[string]corev1.VolumeSource {
	mountable := map[string]corev1.VolumeSource{}
	for i := range volumes {
		volume := &volumes[i]
		r.volumeSource(volume.VolumeSource, at.Index(i))
		if len(validation.IsDNS1123Label(volume.Name)) == 0 {
			mountable[volume.Name] = volume.VolumeSource
		}
	}
	return mountable
}

// volumeSource: one kind, an emptyDir where none is named (SetDefaults_Volume).
func (r *report) volumeSource(source corev1.VolumeSource, at *field.Path) {
	if kinds := set(source); len(kinds) > 1 {
		for _, more := range kinds[1:] {
			r.forbidden(at.Child(more), "may not specify more than 1 volume type")
		}
	}
	switch {
	case source.EmptyDir != nil:
		if limit := source.EmptyDir.SizeLimit; limit != nil && limit.Sign() < 0 {
			r.forbidden(at.Child("emptyDir", "sizeLimit"), "SizeLimit field must be a valid resource quantity")
		}
	case source.HostPath != nil:
		r.noWayUp(source.HostPath.Path, at.Child("hostPath", "path"))
	case source.ConfigMap != nil:
		r.keyPaths(source.ConfigMap.Items, at.Child("configMap", "items"))
	case source.Secret != nil:
		r.keyPaths(source.Secret.Items, at.Child("secret", "items"))
	case source.CSI != nil:
		r.driver(source.CSI.Driver, at.Child("csi", "driver"))
	case source.DownwardAPI != nil:
		r.downward(source.DownwardAPI.Items, at.Child("downwardAPI"))
	case source.Projected != nil:
		r.projected(source.Projected.Sources, at.Child("projected"))
	case source.Ephemeral != nil && source.Ephemeral.VolumeClaimTemplate == nil:
		r.required(at.Child("ephemeral", "volumeClaimTemplate"), "")
	case source.Ephemeral != nil:
		r.claim(&source.Ephemeral.VolumeClaimTemplate.Spec, at.Child("ephemeral", "volumeClaimTemplate", "spec"))
	}
}

func (r *report) keyPaths(items []corev1.KeyToPath, at *field.Path) {
	for i, item := range items {
		r.notReserved(item.Path, at.Index(i).Child("path"))
	}
}

// downward: a file is made of one of two (validateDownwardAPIVolumeFile, which does not say which file).
func (r *report) downward(files []corev1.DownwardAPIVolumeFile, at *field.Path) {
	for _, file := range files {
		r.notReserved(file.Path, at.Child("path"))
		switch {
		case file.FieldRef == nil && file.ResourceFieldRef == nil:
			r.required(at, "one of fieldRef and resourceFieldRef is required")
		case file.FieldRef != nil && file.ResourceFieldRef != nil:
			r.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
		case file.FieldRef != nil:
			r.fileField(file.FieldRef.FieldPath, at.Child("fieldRef", "fieldPath"))
		default:
			r.resourceField(file.ResourceFieldRef.Resource, at.Child("resourceFieldRef"))
			if file.ResourceFieldRef.ContainerName == "" {
				r.required(at.Child("resourceFieldRef", "containerName"), "")
			}
		}
	}
}

// fileField: of a pod's metadata only (validVolumeDownwardAPIFieldPathExpressions).
func (r *report) fileField(path string, at *field.Path) {
	known := []string{"metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"}
	for _, name := range known {
		if path == "" || path == name || strings.HasPrefix(path, name+"['") {
			return
		}
	}
	r.add(field.NotSupported(at, path, known))
}

// projected: each source is one, and no two write the same file (validateProjectionSources).
func (r *report) projected(sources []corev1.VolumeProjection, at *field.Path) {
	paths := sets.Set[string]{}
	once := func(path string) {
		r.check(path == "" || !paths.Has(path), at, path, "conflicting duplicate paths")
		paths.Insert(path)
	}
	for i, source := range sources {
		place := at.Child("sources").Index(i)
		if len(set(source)) > 1 {
			r.forbidden(place, "may not specify more than 1 volume type per source")
		}
		var items []corev1.KeyToPath
		if source.Secret != nil {
			items = append(items, source.Secret.Items...)
		}
		if source.ConfigMap != nil {
			items = append(items, source.ConfigMap.Items...)
		}
		for j, item := range items {
			r.notReserved(item.Path, place.Child("items").Index(j).Child("path"))
			once(item.Path)
		}
		if source.DownwardAPI != nil {
			r.downward(source.DownwardAPI.Items, place.Child("downwardAPI"))
			for _, file := range source.DownwardAPI.Items {
				once(file.Path)
			}
		}
		if source.ServiceAccountToken != nil {
			r.notReserved(source.ServiceAccountToken.Path, at.Child("path"))
		}
	}
}

// driver is a domain of at most 63 letters (ValidateCSIDriverName).
func (r *report) driver(name string, at *field.Path) {
	if name == "" {
		return
	}
	const longest = 63
	if len(name) > longest {
		r.add(field.TooLong(at, name, longest))
	}
	r.invalid(at, name, validation.IsDNS1123Subdomain(strings.ToLower(name))...)
}
