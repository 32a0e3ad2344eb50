package native

import (
	"net"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) networking(object any, spec *field.Path) {
	switch o := object.(type) {
	case *networkingv1.Ingress:
		r.ingress(&o.Spec, spec)
	case *networkingv1.IngressClass:
		r.controller(o.Spec.Controller, spec.Child("controller"))
	case *networkingv1.NetworkPolicy:
		for i, rule := range o.Spec.Ingress {
			r.traffic(rule.Ports, rule.From, spec.Child("ingress").Index(i), "from")
		}
		for i, rule := range o.Spec.Egress {
			r.traffic(rule.Ports, rule.To, spec.Child("egress").Index(i), "to")
		}
	}
}

// controller is a domain and a path (validateIngressClassSpec).
func (r *report) controller(name string, at *field.Path) {
	const longest = 250
	if len(name) > longest {
		r.add(field.TooLong(at, name, longest))
	} else if name != "" {
		r.errs = append(r.errs, validation.IsDomainPrefixedPath(at, name)...)
	}
}

// service is validateService, without what a cluster decides (addresses and their families).
func (r *report) service(spec *corev1.ServiceSpec, at *field.Path) {
	r.servicePorts(spec, at.Child("ports"))
	r.errs = append(r.errs, metav1validation.ValidateLabels(spec.Selector, at.Child("selector"))...)
	external := spec.Type == corev1.ServiceTypeExternalName
	switch name := at.Child("externalName"); {
	case external && spec.ExternalName == "":
		r.required(name, "")
	case external:
		r.invalid(name, spec.ExternalName, validation.IsDNS1123Subdomain(strings.TrimSuffix(spec.ExternalName, "."))...)
	}
	if external && spec.ClusterIP != "" {
		r.forbidden(at.Child("clusterIPs"), "may not be set when `type` is 'ExternalName'")
	}
	headless := spec.ClusterIP == corev1.ClusterIPNone
	if headless && spec.Type == corev1.ServiceTypeLoadBalancer {
		r.invalid(at.Child("clusterIPs").Index(0), spec.ClusterIP, "may not be set to 'None' for LoadBalancer services")
	}
	if headless && spec.Type == corev1.ServiceTypeNodePort {
		r.invalid(at.Child("clusterIPs").Index(0), spec.ClusterIP, "may not be set to 'None' for NodePort services")
	}
	if spec.ClusterIP != "" && !headless && net.ParseIP(spec.ClusterIP) == nil {
		r.invalid(at.Child("clusterIPs").Index(0), spec.ClusterIP, "must be a valid IP address")
	}
	balanced := spec.Type == corev1.ServiceTypeLoadBalancer
	reachable := balanced || spec.Type == corev1.ServiceTypeNodePort || len(spec.ExternalIPs) > 0
	if spec.ExternalTrafficPolicy != "" && !reachable {
		r.invalid(at.Child("externalTrafficPolicy"), spec.ExternalTrafficPolicy, "may only be set for externally-accessible services")
	}
	families := distinct{}
	for i, family := range spec.IPFamilies {
		families.add(r, at.Child("ipFamilies").Index(i), string(family))
	}
	r.balancer(spec, balanced, at)
}

// balancer: what only a load balancer has.
func (r *report) balancer(spec *corev1.ServiceSpec, balanced bool, at *field.Path) {
	if spec.HealthCheckNodePort != 0 && (!balanced || spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal) {
		r.invalid(at.Child("healthCheckNodePort"), spec.HealthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
	}
	if balanced {
		return
	}
	if len(spec.LoadBalancerSourceRanges) > 0 {
		r.forbidden(at.Child("loadBalancerSourceRanges"), "may only be used when `type` is 'LoadBalancer'")
	}
	if spec.LoadBalancerClass != nil {
		r.forbidden(at.Child("loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'")
	}
	if spec.AllocateLoadBalancerNodePorts != nil {
		r.forbidden(at.Child("allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'")
	}
}

// servicePorts: only a headless Service and a name for an external host may have none; of several each has a name.
func (r *report) servicePorts(spec *corev1.ServiceSpec, at *field.Path) {
	if len(spec.Ports) == 0 && spec.ClusterIP != corev1.ClusterIPNone && spec.Type != corev1.ServiceTypeExternalName {
		r.required(at, "")
	}
	names := distinct{}
	for i, port := range spec.Ports {
		if port.Name == "" && len(spec.Ports) > 1 {
			r.required(at.Index(i).Child("name"), "")
		}
		names.add(r, at.Index(i).Child("name"), port.Name)
		if port.NodePort != 0 && (spec.Type == "" || spec.Type == corev1.ServiceTypeClusterIP) {
			r.forbidden(at.Index(i).Child("nodePort"), "may not be used when `type` is 'ClusterIP'")
		}
	}
}

// ingress is ValidateIngressSpec.
func (r *report) ingress(spec *networkingv1.IngressSpec, at *field.Path) {
	if spec.DefaultBackend == nil && len(spec.Rules) == 0 {
		r.invalid(at, "", "either `defaultBackend` or `rules` must be specified")
	}
	if spec.DefaultBackend != nil {
		r.backend(spec.DefaultBackend, at.Child("defaultBackend"))
	}
	for i, rule := range spec.Rules {
		place := at.Child("rules").Index(i)
		if rule.Host != "" {
			r.check(net.ParseIP(rule.Host) == nil, place.Child("host"), rule.Host, "must be a DNS name, not an IP address")
			r.host(rule.Host, place.Child("host"))
		}
		if rule.HTTP == nil {
			continue
		}
		for j := range rule.HTTP.Paths {
			r.ingressPath(&rule.HTTP.Paths[j], place.Child("http", "paths").Index(j))
		}
	}
	for i, tls := range spec.TLS {
		for j, host := range tls.Hosts {
			r.host(host, at.Child("tls").Index(i).Child("hosts").Index(j))
		}
	}
}

func (r *report) ingressPath(route *networkingv1.HTTPIngressPath, at *field.Path) {
	r.backend(&route.Backend, at.Child("backend"))
	if route.PathType == nil || *route.PathType == networkingv1.PathTypeImplementationSpecific {
		return
	}
	if route.Path == "" {
		r.invalid(at.Child("path"), route.Path, "must be an absolute path")
	}
	for _, sequence := range []string{"//", "/./", "/../", "%2f", "%2F"} {
		r.check(!strings.Contains(route.Path, sequence), at.Child("path"), route.Path, "must not contain '"+sequence+"'")
	}
	for _, suffix := range []string{"/..", "/."} {
		r.check(!strings.HasSuffix(route.Path, suffix), at.Child("path"), route.Path, "cannot end with '"+suffix+"'")
	}
}

func (r *report) backend(backend *networkingv1.IngressBackend, at *field.Path) {
	switch {
	case backend.Resource != nil && backend.Service != nil:
		r.invalid(at, "", "cannot set both resource and service backends")
	case backend.Service != nil:
		port := backend.Service.Port
		switch {
		case port.Name != "" && port.Number != 0:
			r.invalid(at, "", "cannot set both port name & port number")
		case port.Name == "" && port.Number == 0:
			r.required(at, "port name or number is required")
		}
	case backend.Resource != nil:
		r.reference(backend.Resource, at.Child("resource"))
	default:
		r.invalid(at, "", "resource or service backend is required")
	}
}

func (r *report) reference(reference *corev1.TypedLocalObjectReference, at *field.Path) {
	if reference.APIGroup != nil {
		r.invalid(at.Child("apiGroup"), *reference.APIGroup, validation.IsDNS1123Subdomain(*reference.APIGroup)...)
	}
	if reference.Kind == "" {
		r.required(at.Child("kind"), "")
	}
	r.invalid(at.Child("kind"), reference.Kind, path.IsValidPathSegmentName(reference.Kind)...)
	r.invalid(at.Child("name"), reference.Name, path.IsValidPathSegmentName(reference.Name)...)
}

// traffic is ValidateNetworkPolicyPort and ValidateNetworkPolicyPeer.
func (r *report) traffic(ports []networkingv1.NetworkPolicyPort, peers []networkingv1.NetworkPolicyPeer, at *field.Path, direction string) {
	for i, port := range ports {
		place := at.Child("ports").Index(i).Child("endPort")
		switch {
		case port.EndPort == nil:
		case port.Port == nil:
			r.invalid(place, *port.EndPort, "may not be specified when `port` is not specified")
		case port.Port.Type == intstr.String:
			r.invalid(place, *port.EndPort, "may not be specified when `port` is non-numeric")
		case *port.EndPort < port.Port.IntVal:
			r.invalid(place, port.Port.IntVal, "must be greater than or equal to `port`")
		}
	}
	for i, peer := range peers {
		place := at.Child(direction).Index(i)
		kinds := set(peer)
		switch {
		case len(kinds) == 0:
			r.required(place, "must specify a peer")
		case len(kinds) > 1 && peer.IPBlock != nil:
			r.forbidden(place, "may not specify both ipBlock and another peer")
		}
		if peer.IPBlock != nil {
			r.exceptions(peer.IPBlock, place.Child("ipBlock", "except"))
		}
	}
}

// exceptions lie within their block and are smaller.
func (r *report) exceptions(block *networkingv1.IPBlock, at *field.Path) {
	_, whole, err := net.ParseCIDR(block.CIDR)
	if err != nil {
		return
	}
	size, _ := whole.Mask.Size()
	for i, exception := range block.Except {
		address, part, err := net.ParseCIDR(exception)
		if err != nil {
			continue
		}
		partSize, _ := part.Mask.Size()
		r.check(whole.Contains(address) && size < partSize, at.Index(i), exception, "must be a strict subset of `cidr`")
	}
}
