package naming

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func portProtocol() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0102", Name: "port-name-without-protocol", Level: finding.Warning,
			Summary: "The name of a port that the mesh serves begins with its protocol.",
			Why: "KServe names the predictor's Service port like the first container port, and Istio reads the protocol from the part before the first `-`. " +
				"A name that is no protocol, `http1` among them, makes Istio sniff it; sniffing costs a delay on server-first protocols and leaves an inbound port TCP " +
				"where the ALPN filter is off, so that an AuthorizationPolicy on methods or paths refuses everything.",
			How:   "Name the port http, or http-something.",
			Refs:  []string{"istio: pkg/config/protocol/instance.go", "istio: IST0118"},
			Kinds: rule.ServiceKinds(rule.RouteKinds(rule.DestinationRule)...),
		},
		Check: func(c *rule.Context) {
			// Without routing by Istio the names of ports are anybody's.
			if len(c.Objects(rule.VirtualService))+len(c.Objects(rule.DestinationRule)) == 0 {
				return
			}
			for _, p := range c.Predictors() {
				for _, port := range p.Main().Ports() {
					if name := port.Field("name"); name.IsText() && !isProtocol(name.Text()) {
						c.Report(name, "port name %q names no protocol that Istio knows", name.Text())
					}
				}
			}
			checkRouted(c)
		},
	}
}

// checkRouted looks at Services that a VirtualService or an HTTPRoute is for.
func checkRouted(c *rule.Context) {
	routed := map[*rule.Object]bool{}
	for _, router := range c.Routers() {
		for _, host := range hosts(router) {
			service, _ := c.ServiceOf(host, router.Namespace)
			if service == nil || service.Object.Kind != rule.Service || routed[service.Object] {
				continue
			}
			routed[service.Object] = true
			for port := range service.Object.Field("spec", "ports").Items() {
				name := port.Field("name")
				if !port.Field("appProtocol").Found() && !isProtocol(name.Text()) {
					c.Report(name, "port %s of a Service that %s routes names no protocol", port.Field("port").Scalar(), router)
				}
			}
		}
	}
}

// hosts name the Services that a VirtualService or an HTTPRoute is for.
func hosts(router *rule.Object) []string {
	names := router.Field("spec", "hosts").Strings()
	for _, entry := range rule.Entries(router) {
		if router.Kind == rule.HTTPRoute && entry.Gateway == rule.Mesh {
			names = append(names, entry.At.Field("name").Text())
		}
	}
	return names
}

// isProtocol follows Parse of pkg/config/protocol/instance.go.
func isProtocol(name string) bool {
	protocol, _, _ := strings.Cut(strings.ToLower(name), "-")
	if strings.HasPrefix(strings.ToLower(name), "grpc-web") {
		return true
	}
	known := []string{"http", "http2", "https", "grpc", "tcp", "tls", "udp", "mongo", "redis", "mysql"}
	return slices.Contains(known, protocol)
}

func grpcName() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0103", Name: "http-read-as-grpc", Level: finding.Error,
			Summary: "A port of vLLM's HTTP server isn't named like gRPC.",
			Why: "KServe gives every Service port whose name contains `grpc` or `h2c` the appProtocol `kubernetes.io/h2c`; a container without ports lends its Service port the " +
				"name of the InferenceService, which Istio reads as a protocol too. The proxies then speak HTTP/2 to a server that understands HTTP/1.1 only, and every request fails with 502 or 503.",
			How:   "Name the container port http; for an InferenceService whose name begins with a protocol, declare the port.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/service/service_reconciler.go (isGrpcPort)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if !rule.IsVLLM(p.Main()) {
					continue
				}
				ports := p.Main().Ports()
				for _, port := range ports {
					if name := port.Field("name"); saysGRPC(name.Text()) {
						c.Report(name, "port %q of an HTTP server is served as HTTP/2", name.Text())
					}
				}
				service := p.ServiceName()
				if protocol, _, _ := strings.Cut(service, "-"); p.Known() && len(ports) == 0 && slices.Contains([]string{"grpc", "h2c", "http2", "tcp", "tls", "https"}, protocol) {
					c.Report(p.Object.Field("metadata", "name"), "without container ports the Service port is named %q, which Istio reads as %s", service, protocol)
				}
			}
		},
	}
}

func saysGRPC(name string) bool {
	return strings.Contains(name, "grpc") || strings.Contains(name, "h2c")
}
