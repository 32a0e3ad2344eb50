package network

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// annotation begins the names of what the AWS Load Balancer Controller reads of a Service.
	// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/
	annotation = "service.beta.kubernetes.io/aws-load-balancer-"

	// classController and classAuto are the classes of the controller, and of EKS Auto Mode, which has it built in.
	// https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html
	classController = "service.k8s.aws/nlb"
	classAuto       = "eks.amazonaws.com/nlb"

	addressType = "ip-address-type"
	// noTranslation has istiod leave a Service alone when it looks for the port that a Gateway's server opens (istio:
	// pilot/pkg/model/gateway.go). Where TLS has ended, 443 here is 80 of the pods, and a server for 443 must not become that.
	noTranslation = "experimental.istio.io/disable-gateway-port-translation"

	// readyPort and readyPath are where Istio's proxies say that they are ready.
	readyPort = 15021
	readyPath = "/healthz/ready"

	// tlsPolicy allows TLS 1.3 and 1.2.
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/describe-ssl-policies.html
	tlsPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

	// mostDelay is the longest deregistration_delay.timeout_seconds, in seconds; 300 is AWS' own.
	mostDelay  = 3600
	usualDelay = 300

	httpPort, httpsPort = 80, 443
)

// LoadBalancers are the Services of Network Load Balancers before gateways of Istio's API, one for each namespace of such
// gateways: their pods are the targets, whatever Gateways select them.
func LoadBalancers(targets []spec.Target, labels map[string]string) []manifest.Object {
	byNamespace := map[string][]spec.Target{}
	for _, t := range targets {
		if t.LoadBalancer() != nil && !t.Expose.OfGatewayAPI() {
			namespace := t.BalancedGateway()
			byNamespace[namespace] = append(byNamespace[namespace], t)
		}
	}
	objects := make([]manifest.Object, 0, len(byNamespace))
	for namespace, models := range byNamespace {
		objects = append(objects, loadBalancer(namespace, models, labels))
	}
	slices.SortFunc(objects, func(a, b manifest.Object) int { return cmp.Compare(a.File, b.File) })
	return objects
}

func loadBalancer(namespace string, models []spec.Target, labels map[string]string) manifest.Object {
	ports := portsOf(models)
	service := &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "ingressgateway-nlb", Namespace: namespace, Labels: with(labels, noTranslation, "true"), Annotations: annotations(models, ports),
		},
		Spec: corev1.ServiceSpec{
			Type:                          corev1.ServiceTypeLoadBalancer,
			LoadBalancerClass:             ptr.To(classOf(models[0])),
			AllocateLoadBalancerNodePorts: ptr.To(false),
			LoadBalancerSourceRanges:      models[0].LoadBalancer().SourceRanges,
			Selector:                      map[string]string{"istio": "ingressgateway"},
			Ports:                         ports,
		},
	}
	return manifest.Object{File: "service-" + namespace + "-nlb", Typed: service, Absent: []string{"/status"}, Comments: manifest.Comments{
		Head: "The Network Load Balancer before the gateway's pods, which it reaches by their addresses. The gateway's own\nService need not be one of type LoadBalancer beside it (service.type of Istio's gateway chart: ClusterIP).",
		At:   comments(models, ports),
	}}
}

func comments(models []spec.Target, ports []corev1.ServicePort) map[string]string {
	at := map[string]string{
		"/spec/selector":                      "The label of Istio's ingress gateways, as the Gateway has it.",
		"/spec/allocateLoadBalancerNodePorts": "The targets are pods: no node needs an open port.",
		"/spec/ports/0/targetPort":            "The port of the pods in Istio's gateway chart. That of its older ingress chart is 8080 or 8443.",
		label(noTranslation):                  "The gateway's ports follow from its own Service.",
		note("nlb-target-type"):               "Straight to the pods; instance would go by kube-proxy of any node.",
		note("attributes"):                    crossZoneComment(models[0].LoadBalancer()),
		note("healthcheck-port"):              healthComment(models[0].LoadBalancer()),
		note("target-group-attributes"):       "Seconds that a pod which goes keeps its connections: an answer may take as long.",
		note(listener(ports)):                 "Seconds of silence: an answer that isn't streamed is silent until it is there.",
		note("proxy-protocol"):                "The gateway must expect it: proxy.istio.io/config: '{\"gatewayTopology\": {\"proxyProtocol\": {}}}' on its pods.\nWithout that it refuses every connection.",
		note(addressType):                     "The pods' addresses are of IPv6, and a load balancer of IPv4 alone has no such targets.",
		note("ssl-cert"):                      "TLS ends here; to the gateway goes plain HTTP. Silence is cut after 350 s, which AWS fixes for TLS listeners.",
	}
	lb := models[0].LoadBalancer()
	v6 := slices.ContainsFunc(models, spec.Target.HasIPv6)
	for key, used := range map[string]bool{addressType: v6, "proxy-protocol": lb.ProxyProtocol, "ssl-cert": lb.CertificateARN != "", listener(ports): lb.CertificateARN == ""} {
		if !used {
			delete(at, note(key))
		}
	}
	return at
}

func healthComment(lb *spec.LoadBalancer) string {
	if lb.ProxyProtocol {
		return "A connection is enough: the check sends the proxy protocol's header, too, and Istio's proxy answers it with 400 here."
	}
	return "Istio's proxy says there that it is ready."
}

func crossZoneComment(lb *spec.LoadBalancer) string {
	if lb.CrossesZones() {
		return "Any zone's address leads to the pods of all zones, and traffic between zones is paid for. false needs a pod\nin each zone; AWS' default."
	}
	return "A zone's address leads to its own pods only: have one in each zone, and as many."
}

// note is the JSON pointer of an annotation of ours, label that of a label.
func note(name string) string { return "/metadata/annotations/" + escape(annotation+name) }

func label(name string) string { return "/metadata/labels/" + escape(name) }

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// listener names the annotation that has the attributes of the first port's listener.
func listener(ports []corev1.ServicePort) string {
	return fmt.Sprintf("listener-attributes.TCP-%d", ports[0].Port)
}

// portsOf are HTTPS where TLS ends at either end, and HTTP where nothing ends it, or where the gateway answers it with a redirect.
func portsOf(models []spec.Target) []corev1.ServicePort {
	port := func(name string, number, target int32) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Port: number, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(target)}
	}
	if models[0].LoadBalancer().CertificateARN != "" {
		return []corev1.ServicePort{port("https", httpsPort, httpPort)}
	}
	encrypted := func(t spec.Target) bool { return t.Expose.TLSSecret != "" }
	plain := func(t spec.Target) bool { return t.Expose.TLSSecret == "" || !t.Expose.OfGatewayAPI() } // there a redirect has no listener
	var ports []corev1.ServicePort
	if slices.ContainsFunc(models, encrypted) {
		ports = append(ports, port("https", httpsPort, httpsPort))
	}
	if slices.ContainsFunc(models, plain) {
		ports = append(ports, port("http2", httpPort, httpPort))
	}
	return ports
}

// annotations tell the controller what to make.
func annotations(models []spec.Target, ports []corev1.ServicePort) map[string]string {
	lb := models[0].LoadBalancer()
	notes := map[string]string{
		annotation + "scheme":                  lb.Scheme,
		annotation + "nlb-target-type":         "ip",
		annotation + "attributes":              "load_balancing.cross_zone.enabled=" + strconv.FormatBool(lb.CrossesZones()),
		annotation + "healthcheck-port":        strconv.Itoa(readyPort),
		annotation + "target-group-attributes": "deregistration_delay.timeout_seconds=" + strconv.Itoa(delay(models)),
	}
	maps.Copy(notes, healthNotes(lb))
	maps.Copy(notes, tlsNotes(lb))
	if slices.ContainsFunc(models, spec.Target.HasIPv6) {
		// Pods with addresses of IPv6 are targets of a load balancer of both families alone (buildTargetGroupIPAddressType in
		// aws-load-balancer-controller: pkg/service/model_build_target_group.go).
		notes[annotation+addressType] = "dualstack"
	}
	if lb.CertificateARN == "" {
		for _, port := range ports {
			notes[fmt.Sprintf("%slistener-attributes.TCP-%d", annotation, port.Port)] = fmt.Sprintf("tcp.idle_timeout.seconds=%d", int(spec.Idle(models).Seconds()))
		}
	}
	return notes
}

// healthNotes ask the proxy whether it is ready. With the proxy protocol a connection of the check begins with its header, too, which
// that port answers with 400 (istio#39868): there it is enough that the proxy takes the connection.
func healthNotes(lb *spec.LoadBalancer) map[string]string {
	if lb.ProxyProtocol {
		return map[string]string{annotation + "healthcheck-protocol": "tcp"}
	}
	return map[string]string{annotation + "healthcheck-protocol": "http", annotation + "healthcheck-path": readyPath}
}

func tlsNotes(lb *spec.LoadBalancer) map[string]string {
	notes := map[string]string{}
	if lb.ProxyProtocol {
		notes[annotation+"proxy-protocol"] = "*"
	}
	if lb.CertificateARN != "" {
		notes[annotation+"ssl-cert"] = lb.CertificateARN
		notes[annotation+"ssl-ports"] = strconv.Itoa(httpsPort)
		notes[annotation+"ssl-negotiation-policy"] = tlsPolicy
	}
	return notes
}

// delay is how long a target that goes keeps its connections, in seconds: as long as a stopping server finishes its streams.
func delay(models []spec.Target) int {
	longest := time.Duration(0)
	for _, t := range models {
		for _, r := range t.Revisions {
			longest = max(longest, r.Runtime.DrainTimeout.Or(0))
		}
	}
	return min(max(int(longest.Seconds()), usualDelay), mostDelay)
}

// OfGateway are the annotations of the Service that istiod makes of a Gateway of the Gateway API, nil where no model behind it
// asks for a load balancer.
func OfGateway(targets []spec.Target) map[string]string {
	models := slices.DeleteFunc(slices.Clone(targets), func(t spec.Target) bool { return t.LoadBalancer() == nil })
	if len(models) == 0 {
		return nil
	}
	notes := annotations(models, portsOf(models))
	// A Gateway has room for eight (gateway-api: apis/v1/gateway_types.go). Without these the controller connects to the port itself.
	for _, name := range []string{"healthcheck-protocol", "healthcheck-port", "healthcheck-path"} {
		delete(notes, annotation+name)
	}
	if _, said := notes[annotation+"proxy-protocol"]; said {
		delete(notes, annotation+"proxy-protocol")
		notes[annotation+"target-group-attributes"] += ",proxy_protocol_v2.enabled=true"
	}
	if classOf(models[0]) == classController {
		// Such a Service has no class of ours; the controller takes those that say so.
		notes[annotation+"type"] = "external"
	}
	if ranges := models[0].LoadBalancer().SourceRanges; len(ranges) > 0 {
		notes["service.beta.kubernetes.io/load-balancer-source-ranges"] = strings.Join(ranges, ",")
	}
	return notes
}

func classOf(t spec.Target) string {
	if t.Platform.EKS.AutoMode() {
		return classAuto
	}
	return classController
}

func with(labels map[string]string, key, value string) map[string]string {
	all := map[string]string{key: value}
	for k, v := range labels {
		all[k] = v
	}
	return all
}
