package native

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// containerCheck is what a container is checked with.
type containerCheck struct {
	*report
	volumes     map[string]corev1.VolumeSource
	gracePeriod int64 // seconds
	ownUsers    bool  // the pod's users are not the host's
}

// check is for every container (validateContainerCommon).
func (c containerCheck) check(container *corev1.Container, at *field.Path) {
	names := distinct{}
	for i, port := range container.Ports {
		names.add(c.report, at.Child("ports").Index(i).Child("name"), port.Name)
	}
	for i := range container.Env {
		c.env(&container.Env[i], at.Child("env").Index(i))
	}
	for i, source := range container.EnvFrom {
		place := at.Child("envFrom")
		if source.Prefix != "" {
			c.invalid(place.Index(i).Child("prefix"), source.Prefix, validation.IsRelaxedEnvVarName(source.Prefix)...)
		}
		switch len(set(source)) {
		case 0:
			c.invalid(place, "", "must specify one of: `configMapRef` or `secretRef`")
		case 1:
		default:
			c.invalid(place, "", "may not have more than one field specified at a time")
		}
	}
	c.mounts(container, at)
	c.resources(container.Resources, at.Child("resources"))
	c.security(container.SecurityContext, at.Child("securityContext"))
}

// env: a variable has a value or one source (ValidateEnv).
func (c containerCheck) env(variable *corev1.EnvVar, at *field.Path) {
	if variable.Name != "" {
		c.invalid(at.Child("name"), variable.Name, validation.IsRelaxedEnvVarName(variable.Name)...)
	}
	from := variable.ValueFrom
	if from == nil {
		return
	}
	at = at.Child("valueFrom")
	switch sources := set(*from); {
	case len(sources) == 0:
		c.invalid(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
	case variable.Value != "":
		c.invalid(at, "", "may not be specified when `value` is not empty")
	case len(sources) > 1:
		c.invalid(at, "", "may not have more than one field specified at a time")
	}
	if from.FieldRef != nil {
		c.envField(from.FieldRef.FieldPath, at.Child("fieldRef", "fieldPath"))
	}
	if from.ResourceFieldRef != nil {
		c.resourceField(from.ResourceFieldRef.Resource, at.Child("resourceFieldRef"))
	}
	if from.ConfigMapKeyRef != nil && from.ConfigMapKeyRef.Key != "" {
		c.invalid(at.Child("configMapKeyRef", "key"), from.ConfigMapKeyRef.Key, validation.IsConfigMapKey(from.ConfigMapKeyRef.Key)...)
	}
	if from.SecretKeyRef != nil && from.SecretKeyRef.Key != "" {
		c.invalid(at.Child("secretKeyRef", "key"), from.SecretKeyRef.Key, validation.IsConfigMapKey(from.SecretKeyRef.Key)...)
	}
}

// envField: what the downward API knows, with ConvertDownwardAPIFieldLabel's labels.
func (c containerCheck) envField(path string, at *field.Path) {
	known := []string{
		"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
		"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
	}
	if path == "" || slices.Contains(known, path) || path == "spec.host" {
		return
	}
	name, key, subscripted := strings.Cut(strings.TrimSuffix(path, "']"), "['")
	if !subscripted || name != "metadata.labels" && name != "metadata.annotations" {
		c.invalid(at, path, "error converting fieldPath: field label not supported: "+path)
		return
	}
	if name == "metadata.annotations" {
		key = strings.ToLower(key)
	}
	c.invalid(at, path, validation.IsQualifiedName(key)...)
}

func (r *report) resourceField(name string, at *field.Path) {
	known := []string{
		"limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
	}
	huge := strings.HasPrefix(name, "limits.hugepages-") || strings.HasPrefix(name, "requests.hugepages-")
	if name != "" && !huge && !slices.Contains(known, name) {
		r.add(field.NotSupported(at.Child("resource"), name, known))
	}
}

// mounts: of volumes that are there, at different places (ValidateVolumeMounts, ValidateVolumeDevices).
func (c containerCheck) mounts(container *corev1.Container, at *field.Path) {
	paths, devices := sets.Set[string]{}, sets.Set[string]{}
	for i, mount := range container.VolumeMounts {
		place := at.Child("volumeMounts").Index(i)
		if _, ok := c.volumes[mount.Name]; mount.Name != "" && !ok {
			c.add(field.NotFound(place.Child("name"), mount.Name))
		}
		if mount.MountPropagation != nil && *mount.MountPropagation == corev1.MountPropagationBidirectional && !privileged(container) {
			c.forbidden(at.Child("volumeMounts", "mountPropagation"), "Bidirectional mount propagation is available only to privileged containers")
		}
		c.report.check(!paths.Has(mount.MountPath), place.Child("mountPath"), mount.MountPath, "must be unique")
		paths.Insert(mount.MountPath)
		c.relative(mount.SubPath, at.Child("volumeMounts", "subPath"))
		c.relative(mount.SubPathExpr, at.Child("volumeMounts", "subPathExpr"))
		c.report.check(mount.SubPath == "" || mount.SubPathExpr == "", place.Child("subPathExpr"), mount.SubPathExpr, "subPathExpr and subPath are mutually exclusive")
	}
	for i, device := range container.VolumeDevices {
		place := at.Child("volumeDevices").Index(i)
		source, ok := c.volumes[device.Name]
		switch {
		case device.Name != "" && !ok:
			c.add(field.NotFound(place.Child("name"), device.Name))
		case ok && source.PersistentVolumeClaim == nil && source.Ephemeral == nil:
			c.invalid(place.Child("name"), device.Name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode")
		}
		c.report.check(!devices.Has(device.Name), place.Child("name"), device.Name, "must be unique")
		devices.Insert(device.Name)
		c.report.check(!paths.Has(device.DevicePath), place.Child("devicePath"), device.DevicePath, "must not already exist as a path in volumeMounts")
		paths.Insert(device.DevicePath)
	}
}

func privileged(container *corev1.Container) bool {
	context := container.SecurityContext
	return context != nil && context.Privileged != nil && *context.Privileged
}

// security: no escalation is not for those who have every right (ValidateSecurityContext).
func (c containerCheck) security(context *corev1.SecurityContext, at *field.Path) {
	if context == nil {
		return
	}
	if context.ProcMount != nil && *context.ProcMount == corev1.UnmaskedProcMount && !c.ownUsers {
		c.invalid(at.Child("procMount"), *context.ProcMount, "`hostUsers` must be false to use `Unmasked`")
	}
	c.seccomp(context.SeccompProfile, at.Child("seccompProfile"))
	c.appArmor(context.AppArmorProfile, at.Child("appArmorProfile"))
	if context.AllowPrivilegeEscalation == nil || *context.AllowPrivilegeEscalation {
		return
	}
	if context.Privileged != nil && *context.Privileged {
		c.invalid(at, "", "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
	}
	if context.Capabilities != nil && slices.Contains(context.Capabilities.Add, "CAP_SYS_ADMIN") {
		c.invalid(at, "", "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
	}
}

// restart: containers of their own policy (validateContainerRestartPolicy).
func (c containerCheck) restart(container *corev1.Container, at *field.Path) {
	allowed := []corev1.ContainerRestartPolicy{corev1.ContainerRestartPolicyAlways, "Never", "OnFailure"}
	if !slices.Contains(allowed, *container.RestartPolicy) {
		c.add(field.NotSupported(at.Child("restartPolicy"), *container.RestartPolicy, allowed))
	}
}

// init: what runs to its end has no probes and no hooks, unless it is a sidecar (validateInitContainers).
func (c containerCheck) init(container *corev1.Container, at *field.Path) {
	if container.RestartPolicy != nil {
		c.restart(container, at)
		if *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			c.running(container, at)
			return
		}
	}
	for name, given := range map[string]bool{
		"lifecycle": container.Lifecycle != nil, "livenessProbe": container.LivenessProbe != nil,
		"readinessProbe": container.ReadinessProbe != nil, "startupProbe": container.StartupProbe != nil,
	} {
		if given {
			c.forbidden(at.Child(name), "may not be set for init containers without restartPolicy=Always")
		}
	}
}
