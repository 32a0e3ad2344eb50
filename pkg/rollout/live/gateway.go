package live

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Entry is how a model is reached from outside the mesh.
type Entry struct {
	// Host that clients call, Path that selects the model, empty for the whole host, and Header that does.
	Host, Path string
	Header     *spec.HeaderMatch
	// TLS is set where the gateway speaks it at Port.
	TLS bool
	// Gateway is its object as namespace/name. Port is the gateway's own, which its Service has.
	Gateway string
	Port    int

	gatewayAPI bool
	selector   map[string]string
	service    string
}

// Endpoint is a port of a pod.
type Endpoint struct {
	Namespace, Pod string
	Port           int
}

// Config is how the cluster is reached.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

func services() kind { return kind{Version: "v1", Resource: "services"} }

func istioGateways() kind {
	return kind{Group: "networking.istio.io", Version: "v1", Resource: "gateways"}
}

func apiGateways() kind {
	return kind{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"}
}

// mesh is Istio's name for all sidecars, which is no gateway.
const mesh = "mesh"

// Entry finds the host and the gateway of a model, by its VirtualService or else its HTTPRoutes.
func (c *Cluster) Entry(ctx context.Context, namespace, model string) (Entry, error) {
	labels := map[string]string{spec.ModelLabel: model}
	virtual, err := c.routes(ctx, virtualServices(), namespace, labels)
	if err != nil {
		return Entry{}, err
	}
	for _, o := range virtual {
		if e, ok := virtualEntry(o); ok {
			return e, c.istioServer(ctx, &e)
		}
	}
	routes, err := c.routes(ctx, httpRoutes(), namespace, labels)
	if err != nil {
		return Entry{}, err
	}
	for _, o := range routes {
		if e, ok := routeEntry(o); ok {
			return e, c.listener(ctx, &e)
		}
	}
	return Entry{}, fmt.Errorf("model %s in namespace %s has no VirtualService and no HTTPRoute at a gateway with the label %s: it is not there, or not exposed", model, namespace, spec.ModelLabel)
}

// virtualEntry reads a VirtualService.
func virtualEntry(o object) (Entry, bool) {
	hosts, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "hosts")
	gateways, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "gateways")
	hosts = slices.DeleteFunc(hosts, func(h string) bool { return strings.HasSuffix(h, ".svc.cluster.local") })
	gateways = slices.DeleteFunc(gateways, func(g string) bool { return g == mesh })
	rules := o.items("spec", "http")
	if len(hosts) == 0 || len(gateways) == 0 || len(rules) == 0 {
		return Entry{}, false
	}
	e := Entry{Host: hosts[0], Gateway: qualified(gateways[0], o.GetNamespace())}
	last := rules[len(rules)-1]
	matches, _, _ := unstructured.NestedSlice(last, "match")
	for _, match := range mappings(matches) {
		if of, _, _ := unstructured.NestedStringSlice(match, "gateways"); len(of) > 0 && !slices.Contains(of, gateways[0]) {
			continue
		}
		e.Path, _, _ = unstructured.NestedString(match, "uri", "prefix")
		break
	}
	e.choose(last)
	return e, true
}

// choose takes the header that selects the model where several share a host. The rule of the weights asks for no other.
func (e *Entry) choose(last map[string]any) {
	if headers := headersOf(last); len(headers) > 0 {
		e.Header = &headers[0]
	}
	if e.Path == "/" {
		e.Path = ""
	}
}

func qualified(name, namespace string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return namespace + "/" + name
}

// routeEntry reads an HTTPRoute. One of a Service is for callers inside the mesh.
func routeEntry(o object) (Entry, bool) {
	hosts, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "hostnames")
	rules := o.items("spec", "rules")
	for _, parent := range o.items("spec", "parentRefs") {
		kind, _ := parent["kind"].(string)
		if len(hosts) == 0 || len(rules) == 0 || cmp.Or(kind, "Gateway") != "Gateway" {
			continue
		}
		name, _ := parent["name"].(string)
		namespace, _ := parent["namespace"].(string)
		e := Entry{Host: hosts[0], Gateway: cmp.Or(namespace, o.GetNamespace()) + "/" + name, gatewayAPI: true}
		last := rules[len(rules)-1]
		matches, _, _ := unstructured.NestedSlice(last, "matches")
		for _, match := range mappings(matches) {
			e.Path, _, _ = unstructured.NestedString(match, "path", "value")
			break
		}
		e.choose(last)
		return e, true
	}
	return Entry{}, false
}

func (c *Cluster) gateway(ctx context.Context, k kind, e *Entry) (object, error) {
	namespace, name, _ := strings.Cut(e.Gateway, "/")
	o, there, err := c.get(ctx, k, namespace, name)
	if err == nil && !there {
		err = fmt.Errorf("there is no %s.%s %s, which routes to the model", "Gateway", k.Group, e.Gateway)
	}
	return o, err
}

// istioServer finds the port of an Istio Gateway that has the host: plain HTTP unless that sends to HTTPS. What goes through
// the API server is encrypted anyway.
func (c *Cluster) istioServer(ctx context.Context, e *Entry) error {
	o, err := c.gateway(ctx, istioGateways(), e)
	if err != nil {
		return err
	}
	e.selector, _, _ = unstructured.NestedStringMap(o.Object, "spec", "selector")
	for _, server := range o.items("spec", "servers") {
		hosts, _, _ := unstructured.NestedStringSlice(server, "hosts")
		if !slices.ContainsFunc(hosts, func(h string) bool { return covers(h, e.Host) }) {
			continue
		}
		protocol, _, _ := unstructured.NestedString(server, "port", "protocol")
		port, _, _ := unstructured.NestedInt64(server, "port", "number")
		redirects, _, _ := unstructured.NestedBool(server, "tls", "httpsRedirect")
		e.take(strings.HasPrefix(protocol, "HTTP") && protocol != "HTTPS" && !redirects, protocol == "HTTPS", int(port))
	}
	if e.Port == 0 {
		return fmt.Errorf("the Gateway %s has no HTTP or HTTPS server for host %s", e.Gateway, e.Host)
	}
	return nil
}

// take prefers plain HTTP.
func (e *Entry) take(plain, tls bool, port int) {
	switch {
	case plain:
		e.Port, e.TLS = port, false
	case tls && e.Port == 0:
		e.Port, e.TLS = port, true
	}
}

// covers reports that a host of a gateway, which may have a namespace and a wildcard, holds for a host.
func covers(pattern, host string) bool {
	if _, name, qualified := strings.Cut(pattern, "/"); qualified {
		pattern = name
	}
	suffix, wild := strings.CutPrefix(pattern, "*")
	return pattern == host || wild && strings.HasSuffix(host, suffix)
}

// listener finds the port of a Gateway of the Gateway API that has the host: HTTPS where there is one, since a route may send
// from HTTP to it.
func (c *Cluster) listener(ctx context.Context, e *Entry) error {
	o, err := c.gateway(ctx, apiGateways(), e)
	if err != nil {
		return err
	}
	for _, address := range o.items("spec", "addresses") {
		if value, _ := address["value"].(string); address["type"] == "Hostname" {
			e.service = value
		}
	}
	for _, listener := range o.items("spec", "listeners") {
		host, _ := listener["hostname"].(string)
		protocol, _ := listener["protocol"].(string)
		port, _, _ := unstructured.NestedInt64(listener, "port")
		if !covers(cmp.Or(host, "*"), e.Host) || protocol != "HTTP" && protocol != "HTTPS" || e.TLS {
			continue
		}
		e.Port, e.TLS = int(port), protocol == "HTTPS"
	}
	if e.Port == 0 {
		return fmt.Errorf("the Gateway %s has no HTTP or HTTPS listener for host %s", e.Gateway, e.Host)
	}
	return nil
}

// Endpoint finds a ready pod of the gateway, and the port of it that the gateway's Service leads to.
func (c *Cluster) Endpoint(ctx context.Context, e Entry) (Endpoint, error) {
	namespace, _, _ := strings.Cut(e.Gateway, "/")
	namespaces := []string{namespace}
	if !e.gatewayAPI && namespace != istioNamespace {
		namespaces = append(namespaces, istioNamespace)
	}
	for _, namespace := range namespaces {
		candidates, err := c.gatewayServices(ctx, e, namespace)
		if err != nil {
			return Endpoint{}, err
		}
		for _, service := range candidates {
			if found, err := c.behindService(ctx, e, service); err != nil || found.Pod != "" {
				return found, err
			}
		}
	}
	return Endpoint{}, fmt.Errorf("no ready pod of Gateway %s is behind a Service with port %d in namespace %s: is the gateway running?", e.Gateway, e.Port, strings.Join(namespaces, " or "))
}

// istioNamespace is where Istio's gateway was before it had a namespace of its own, and still is in its demo profile.
const istioNamespace = "istio-system"

// gatewayServices are those of a namespace that may lead to a gateway's pods. Of Istio's any does that selects them. Of the
// Gateway API's it is the one that the Gateway names by its address, or that was made for it, with its label (GEP-1762).
func (c *Cluster) gatewayServices(ctx context.Context, e Entry, namespace string) ([]object, error) {
	if !e.gatewayAPI {
		return c.list(ctx, services(), namespace, nil)
	}
	if parts := strings.Split(e.service, "."); len(parts) > 1 {
		o, there, err := c.get(ctx, services(), parts[1], parts[0])
		if !there || err != nil {
			return nil, err
		}
		return []object{o}, nil
	}
	_, name, _ := strings.Cut(e.Gateway, "/")
	return c.list(ctx, services(), namespace, map[string]string{"gateway.networking.k8s.io/gateway-name": name})
}

// behindService finds a ready pod of the gateway that a Service leads to, an empty one where there is none.
func (c *Cluster) behindService(ctx context.Context, e Entry, service object) (Endpoint, error) {
	selector, _, _ := unstructured.NestedStringMap(service.Object, "spec", "selector")
	if len(selector) == 0 {
		return Endpoint{}, nil
	}
	found, err := c.list(ctx, pods(), service.GetNamespace(), selector)
	if err != nil {
		return Endpoint{}, err
	}
	for _, pod := range found {
		port := podPort(service, pod, e.Port)
		if port != 0 && isReady(pod) && contains(pod.GetLabels(), e.selector) {
			return Endpoint{Namespace: pod.GetNamespace(), Pod: pod.GetName(), Port: port}, nil
		}
	}
	return Endpoint{}, nil
}

// podPort is where a Service's port leads in a pod, 0 where it has none of this number.
func podPort(service, pod object, number int) int {
	for _, port := range service.items("spec", "ports") {
		if n, _, _ := unstructured.NestedInt64(port, "port"); int(n) != number {
			continue
		}
		switch target := port["targetPort"].(type) {
		case int64:
			return int(target)
		case string:
			return namedPort(pod, target)
		}
		return number
	}
	return 0
}

func namedPort(pod object, name string) int {
	for _, container := range pod.items("spec", "containers") {
		ports, _, _ := unstructured.NestedSlice(container, "ports")
		for _, port := range mappings(ports) {
			if n, ok := port["containerPort"].(int64); ok && port["name"] == name {
				return int(n)
			}
		}
	}
	return 0
}

func isReady(pod object) bool {
	if pod.GetDeletionTimestamp() != nil {
		return false
	}
	for _, condition := range pod.items("status", "conditions") {
		if condition["type"] == "Ready" {
			return condition["status"] == "True"
		}
	}
	return false
}

// contains reports that labels have all of a selector's.
func contains(labels, selector map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return true
}
