package native

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// defaultGracePeriod in seconds (DefaultTerminationGracePeriodSeconds in pkg/apis/core/v1/defaults.go).
const defaultGracePeriod = 30

// pod checks the specification of a pod or of a template (ValidatePodSpec).
func (r *report) pod(spec *corev1.PodSpec, at *field.Path) {
	volumes := r.volumes(spec.Volumes, at.Child("volumes"))
	r.containers(spec, volumes, at)
	if spec.HostNetwork {
		r.hostPorts(spec.Containers, at.Child("containers"))
	}
	r.errs = append(r.errs, metav1validation.ValidateLabels(spec.NodeSelector, at.Child("nodeSelector"))...)
	r.podSecurityContext(spec.SecurityContext, at.Child("securityContext"))
	r.tolerations(spec.Tolerations, at.Child("tolerations"))
	r.affinity(spec.Affinity, at.Child("affinity"))
	r.spread(spec.TopologySpreadConstraints, at.Child("topologySpreadConstraints"))
	r.dns(spec, at.Child("dnsConfig"))
	for name, quantity := range spec.Overhead {
		place := at.Child("overhead", "limits").Key(string(name)) // as the server names it
		r.containerResource(name, place)
		r.quantity(name, quantity, place)
	}
	if spec.Resources != nil {
		r.resources(*spec.Resources, at.Child("resources"))
	}
}

// containers checks all of a pod, whose names differ and whose host ports do not meet.
func (r *report) containers(spec *corev1.PodSpec, volumes map[string]corev1.VolumeSource, at *field.Path) {
	c := containerCheck{report: r, volumes: volumes, gracePeriod: defaultGracePeriod}
	c.ownUsers = spec.HostUsers != nil && !*spec.HostUsers
	if spec.TerminationGracePeriodSeconds != nil {
		c.gracePeriod = *spec.TerminationGracePeriodSeconds
	}
	names := distinct{}
	hostPorts := distinct{}
	for i := range spec.Containers {
		container := &spec.Containers[i]
		place := at.Child("containers").Index(i)
		names[container.Name] = true // of the list itself the schema finds duplicates
		c.check(container, place)
		c.running(container, place)
		uniqueHostPorts(r, container, hostPorts, place)
		if container.RestartPolicy != nil {
			c.restart(container, place)
		}
	}
	for i := range spec.InitContainers {
		container := &spec.InitContainers[i]
		place := at.Child("initContainers").Index(i)
		names.add(r, place.Child("name"), container.Name)
		c.check(container, place)
		c.init(container, place)
		uniqueHostPorts(r, container, distinct{}, at.Child("initContainers").Index(0))
	}
}

func uniqueHostPorts(r *report, container *corev1.Container, seen distinct, at *field.Path) {
	for i, port := range container.Ports {
		if port.HostPort != 0 {
			seen.add(r, at.Child("ports").Index(i).Child("hostPort"), fmt.Sprintf("%s/%s/%d", port.Protocol, port.HostIP, port.HostPort))
		}
	}
}

// hostPorts: in the host's network a port cannot be another one (validatePodHostNetworkDeps).
func (r *report) hostPorts(containers []corev1.Container, at *field.Path) {
	for i, container := range containers {
		for j, port := range container.Ports {
			if port.HostPort != 0 && port.HostPort != port.ContainerPort {
				r.invalid(at.Index(i).Child("ports").Index(j).Child("hostPort"), port.HostPort, "must match `containerPort` when `hostNetwork` is true")
			}
		}
	}
}

// dns: nothing but its own configuration needs one (validatePodDNSConfig).
func (r *report) dns(spec *corev1.PodSpec, at *field.Path) {
	config := spec.DNSConfig
	if spec.DNSPolicy == corev1.DNSNone {
		if config == nil {
			r.required(at, "must provide `dnsConfig` when `dnsPolicy` is None")
			return
		}
		if len(config.Nameservers) == 0 {
			r.required(at.Child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None")
		}
	}
	if config == nil {
		return
	}
	for i, option := range config.Options {
		if option.Name == "" {
			r.required(at.Child("options").Index(i), "must not be empty")
		}
	}
}

func (r *report) podSecurityContext(context *corev1.PodSecurityContext, at *field.Path) {
	if context == nil {
		return
	}
	r.seccomp(context.SeccompProfile, at.Child("seccompProfile"))
	r.appArmor(context.AppArmorProfile, at.Child("appArmorProfile"))
	for i, group := range context.SupplementalGroups {
		r.invalid(at.Child("supplementalGroups").Index(i), group, validation.IsValidGroupID(group)...)
	}
	names := distinct{}
	for i, sysctl := range context.Sysctls {
		place := at.Child("sysctls").Index(i).Child("name")
		if sysctl.Name == "" {
			r.required(place, "")
		} else if !sysctlName().MatchString(sysctl.Name) || len(sysctl.Name) > validation.DNS1123SubdomainMaxLength {
			r.invalid(place, sysctl.Name, "must be lower case words, parted by dots or slashes")
		}
		names.add(r, place, sysctl.Name)
	}
}

// sysctlName is SysctlContainSlashFmt.
func sysctlName() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`)
}

// seccomp: only a profile of the node's is named, and it must be (validateSeccompProfileField).
func (r *report) seccomp(profile *corev1.SeccompProfile, at *field.Path) {
	if profile == nil {
		return
	}
	place := at.Child("localhostProfile")
	switch {
	case profile.Type == corev1.SeccompProfileTypeLocalhost && profile.LocalhostProfile == nil:
		r.required(place, "must be set when seccomp type is Localhost")
	case profile.Type == corev1.SeccompProfileTypeLocalhost:
		r.relative(*profile.LocalhostProfile, place)
	case profile.LocalhostProfile != nil:
		r.invalid(place, *profile.LocalhostProfile, "can only be set when seccomp type is Localhost")
	}
}

func (r *report) appArmor(profile *corev1.AppArmorProfile, at *field.Path) {
	if profile == nil {
		return
	}
	place := at.Child("localhostProfile")
	switch {
	case profile.Type == corev1.AppArmorProfileTypeLocalhost && (profile.LocalhostProfile == nil || strings.TrimSpace(*profile.LocalhostProfile) == ""):
		r.required(place, "must be set when AppArmor type is Localhost")
	case profile.Type != corev1.AppArmorProfileTypeLocalhost && profile.LocalhostProfile != nil:
		r.invalid(place, *profile.LocalhostProfile, "can only be set when AppArmor type is Localhost")
	}
}
