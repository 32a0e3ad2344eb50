package gatewayapi

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kservegen/kservegen/pkg/eks/network"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// istioClass is the class of istiod's automated deployments, whose names are <gateway>-<class> (istio:
// pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go).
const istioClass = "istio"

// Gateways open the hosts of several models on the gateways that they name, one object per gateway.
func Gateways(targets []spec.Target, labels map[string]string) []manifest.Object {
	byName := map[string]*opened{}
	for _, t := range targets {
		if t.Expose == nil || !t.Expose.OfGatewayAPI() || t.Canary() {
			continue
		}
		if byName[t.Expose.Gateway] == nil {
			byName[t.Expose.Gateway] = &opened{class: t.Expose.GatewayClass, hosts: map[string]*host{}}
		}
		byName[t.Expose.Gateway].open(t)
	}
	objects := make([]manifest.Object, 0, len(byName))
	for qualified, o := range byName {
		objects = append(objects, gatewayOf(qualified, o, labels))
	}
	slices.SortFunc(objects, func(a, b manifest.Object) int { return cmp.Compare(a.File, b.File) })
	return objects
}

// opened is what a gateway has to serve.
type opened struct {
	class  string
	hosts  map[string]*host
	models []spec.Target
}

// host is served with a certificate, where secret names one, for routes of some namespaces.
type host struct {
	secret     string
	namespaces []string
}

func (o *opened) open(t spec.Target) {
	o.models = append(o.models, t)
	for _, name := range t.GatewayHosts() {
		if o.hosts[name] == nil {
			o.hosts[name] = &host{secret: t.Expose.TLSSecret}
		}
		if h := o.hosts[name]; !slices.Contains(h.namespaces, t.Namespace) {
			h.namespaces = append(h.namespaces, t.Namespace)
		}
	}
}

func gatewayOf(qualified string, o *opened, labels map[string]string) manifest.Object {
	namespace, name, _ := strings.Cut(qualified, "/")
	object := &gateway.Gateway{
		TypeMeta:   metav1.TypeMeta{APIVersion: gateway.GroupVersion.String(), Kind: "Gateway"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
	}
	object.Spec.GatewayClassName = gateway.ObjectName(o.class)
	for i, hostname := range slices.Sorted(maps.Keys(o.hosts)) {
		object.Spec.Listeners = append(object.Spec.Listeners, listener(i, hostname, o.hosts[hostname]))
	}
	at := map[string]string{"/spec/listeners/0/allowedRoutes": "Left out, only routes of the Gateway's own namespace would be allowed."}
	if o.class == istioClass {
		at["/spec/gatewayClassName"] = "istiod makes this class, and a Deployment for each Gateway of it. Its service account is\n" + name + "-" + o.class + ": what expose.gatewayServiceAccount may limit callers to."
	}
	if notes := network.OfGateway(o.models); notes != nil {
		object.Spec.Infrastructure = infrastructure(notes)
		at["/spec/infrastructure"] = "istiod copies them to the Service that it makes: a Network Load Balancer whose targets are the gateway's pods."
	}
	return manifest.Object{
		// An Istio Gateway of the same name may stand beside it.
		File: "gateway-api-" + namespace + "-" + name, Typed: object, Absent: []string{"/status"},
		Comments: manifest.Comments{
			Head: "The hosts of every model on this gateway. The certificates' Secrets are in its namespace. A host with one\nisn't served on port 80: a redirect would come after the client has sent its key in the clear.",
			At:   at,
		},
	}
}

func infrastructure(notes map[string]string) *gateway.GatewayInfrastructure {
	annotations := map[gateway.AnnotationKey]gateway.AnnotationValue{}
	for key, value := range notes {
		annotations[gateway.AnnotationKey(key)] = gateway.AnnotationValue(value)
	}
	return &gateway.GatewayInfrastructure{Annotations: annotations}
}

// listener of a host: HTTPS with its certificate, or plain HTTP without one.
func listener(index int, hostname string, h *host) gateway.Listener {
	l := gateway.Listener{
		Name: gateway.SectionName(fmt.Sprintf("http-%d", index)), Hostname: ptr.To(gateway.Hostname(hostname)),
		Port: 80, Protocol: gateway.HTTPProtocolType, AllowedRoutes: allowed(h.namespaces),
	}
	if h.secret != "" {
		l.Name = gateway.SectionName(fmt.Sprintf("https-%d", index))
		l.Port, l.Protocol = 443, gateway.HTTPSProtocolType
		l.TLS = &gateway.ListenerTLSConfig{
			Mode: ptr.To(gateway.TLSModeTerminate),
			CertificateRefs: []gateway.SecretObjectReference{{
				Group: ptr.To[gateway.Group](""), Kind: ptr.To[gateway.Kind]("Secret"), Name: gateway.ObjectName(h.secret),
			}},
		}
	}
	return l
}

func allowed(namespaces []string) *gateway.AllowedRoutes {
	slices.Sort(namespaces)
	return &gateway.AllowedRoutes{Namespaces: &gateway.RouteNamespaces{
		From: ptr.To(gateway.NamespacesFromSelector),
		Selector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: namespaces,
		}}},
	}}
}
