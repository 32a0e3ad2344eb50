package routing

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func missingHost() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0303", Name: "destination-without-service", Level: finding.Error,
			Summary: "A route's destination is a Service that exists.",
			Why: "Istio answers 503 for a host that is no Service, a gateway 500 for the share of an HTTPRoute's backend that is none, and no webhook looks. KServe names the Service <name>-predictor, " +
				"or <name>-<predictor>-predictor where the predictor or canary has a name. Only namespaces of which the set holds Services are judged.",
			How:   "Write the name of a Service: for an InferenceService <name>-predictor.<namespace>.svc.cluster.local.",
			Refs:  []string{"istio: IST0101", "kserve: pkg/constants/constants.go (PredictorServiceName)"},
			Whole: true,
			Kinds: rule.ServiceKinds(rule.RouteKinds()...),
		},
		Check: func(c *rule.Context) {
			for _, backend := range named(c) {
				if service, known := c.ServiceAt(backend); service == nil && known {
					c.Report(backend.Name, "the set makes no Service %s in %s", backend.Name.Text(), rule.InNamespace(backend.Namespace))
				}
			}
			for virtual, destination := range destinations(c) {
				host := destination.Field("host")
				named, _ := rule.ParseHost(host.Text(), virtual.Namespace)
				if service, known := c.ServiceOf(host.Text(), virtual.Namespace); service == nil && known && !isTopLevel(c, named) {
					c.Report(host, "the set makes no Service %s in %s", named.Service, rule.InNamespace(named.Namespace))
				}
			}
		},
	}
}

// isTopLevel says whether a host is that of a whole InferenceService, which KServe serves in Knative mode.
func isTopLevel(c *rule.Context, host rule.Host) bool {
	for _, p := range c.Predictors() {
		if p.Name == host.Service && p.Namespace == host.Namespace && p.Mode() != rule.Standard {
			return true
		}
	}
	return false
}

func missingPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0314", Name: "destination-port-not-served", Level: finding.Error,
			Summary: "A route's destination port, or its parent's, is one of the Service.",
			Why: "The port is the Service's, not the container's: the Service of a predictor serves its first container port as 80. " +
				"For a port that the Service lacks Istio has no cluster and answers 503, or 500 for an HTTPRoute's backend.",
			How:   "Write the port of the Service: 80 for a predictor.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/service/service_reconciler.go (createDefaultSvc)"},
			Kinds: rule.ServiceKinds(rule.RouteKinds()...),
		},
		Check: func(c *rule.Context) {
			checkNamedPorts(c)
			for virtual, destination := range destinations(c) {
				service, _ := c.ServiceOf(destination.Field("host").Text(), virtual.Namespace)
				port := destination.Field("port", "number")
				if service == nil || len(service.Ports) == 0 {
					continue
				}
				if !port.Found() {
					if len(service.Ports) > 1 {
						c.Report(destination, "Service %s has ports %v; say which", service.Name, service.Ports)
					}
					continue
				}
				if !contains(service.Ports, port.IntOr(-1)) {
					c.Report(port, "Service %s serves %v, not %s", service.Name, service.Ports, port.Scalar())
				}
			}
		},
	}
}

// checkNamedPorts looks at the ports that HTTPRoutes say.
func checkNamedPorts(c *rule.Context) {
	for _, backend := range named(c) {
		service, _ := c.ServiceAt(backend)
		if port, said := backend.Port.Int(); service != nil && said && len(service.Ports) > 0 && !contains(service.Ports, port) {
			c.Report(backend.Port, "Service %s serves %v, not %d", service.Name, service.Ports, port)
		}
	}
}

func contains(ports []int64, port int64) bool {
	for _, p := range ports {
		if p == port {
			return true
		}
	}
	return false
}

func shortHost() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0318", Name: "short-host-elsewhere", Level: finding.Error,
			Summary: "A short host is one of the object's own namespace.",
			Why: "Istio completes a short host by the namespace of the object that it stands in, not by that of the Service, and doesn't complete name.namespace without .svc at all. " +
				"For a Service in another namespace both name nothing, and Envoy answers 503.",
			How:   "Write <service>.<namespace>.svc.cluster.local.",
			Refs:  []string{"istio: VirtualService, Destination.host"},
			Kinds: rule.ServiceKinds(rule.VirtualService, rule.DestinationRule),
		},
		Check: func(c *rule.Context) {
			for virtual, destination := range destinations(c) {
				checkShort(c, virtual, destination.Field("host"))
			}
			for _, destination := range c.Objects(rule.DestinationRule) {
				checkShort(c, destination, destination.Field("spec", "host"))
			}
		},
	}
}

func checkShort(c *rule.Context, object *rule.Object, host rule.Value) {
	named, ok := rule.ParseHost(host.Text(), object.Namespace)
	if ok && named.Service != host.Text() {
		return
	}
	if own, _ := c.ServiceOf(host.Text(), object.Namespace); own != nil {
		return
	}
	for _, service := range c.Services() {
		switch host.Text() {
		case service.Name:
			c.Report(host, "%q is completed to %s, and the Service is in %s", host.Text(), rule.InNamespace(object.Namespace), rule.InNamespace(service.Namespace))
			return
		case service.Name + "." + service.Namespace:
			c.Report(host, "%q is no host of Service %s: .svc.cluster.local is missing", host.Text(), service.Name)
			return
		}
	}
}
