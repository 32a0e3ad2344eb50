// Package network holds the rules about what stands around a cluster on AWS: load balancers and security groups.
package network

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{unreadIdleTimeout(), emptyPolicy(), proxiedHealthCheck()}
}

const (
	notes = "service.beta.kubernetes.io/aws-load-balancer-"
	// classicIdle is what the cloud provider's own controller reads for Classic Load Balancers.
	classicIdle = notes + "connection-idle-timeout"
)

// listener is the name of an annotation with attributes of one listener.
var listener = regexp.MustCompile(`^` + regexp.QuoteMeta(notes) + `listener-attributes\.([A-Z_]+)-(\d+)$`)

func unreadIdleTimeout() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1201", Name: "idle-timeout-not-read", Level: finding.Warning,
			Summary: "The idle timeout of a Network Load Balancer is one that it reads.",
			Why: "A Network Load Balancer cuts a connection that is silent for 350 seconds unless its listener says otherwise, and an answer that isn't streamed is silent until it is there. " +
				"The annotation connection-idle-timeout is for Classic Load Balancers. Attributes of a listener are found by protocol and port: those of TCP on a port that ends TLS, " +
				"or that the Service doesn't have, are of no listener, and one that ends TLS has no such attribute.",
			How: "Use service.beta.kubernetes.io/aws-load-balancer-listener-attributes.TCP-<port>: tcp.idle_timeout.seconds=<60 to 6000>, for a port of the Service, and end TLS behind the load balancer.",
			Refs: []string{
				"aws-load-balancer-controller: docs/guide/service/annotations.md",
				"https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
				"cloud-provider-aws: docs/service_controller.md",
			},
			Kinds: []rule.Kind{rule.Service},
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.Service) {
				if isNetworkLoadBalancer(service) {
					checkIdleTimeouts(c, service)
				}
			}
		},
	}
}

// isNetworkLoadBalancer says whether the AWS Load Balancer Controller or EKS Auto Mode makes one of a Service.
func isNetworkLoadBalancer(service *rule.Object) bool {
	if service.Field("spec", "type").Text() != "LoadBalancer" {
		return false
	}
	class := service.Field("spec", "loadBalancerClass").Text()
	kind := service.Field("metadata", "annotations", notes+"type").Text()
	return class == "service.k8s.aws/nlb" || class == "eks.amazonaws.com/nlb" || slices.Contains([]string{"external", "nlb", "nlb-ip"}, kind)
}

func checkIdleTimeouts(c *rule.Context, service *rule.Object) {
	for name, value := range service.Field("metadata", "annotations").Entries() {
		if name == classicIdle {
			c.Report(value, "a Network Load Balancer doesn't read it, and cuts what is silent for 350 s")
			continue
		}
		match := listener.FindStringSubmatch(name)
		switch {
		case match == nil || !strings.Contains(value.Text(), "tcp.idle_timeout.seconds"):
		case match[1] != "TCP" && match[1] != "TCP_UDP":
			c.Report(value, "a listener of %s has no TCP idle timeout to set", match[1])
		case !hasPort(service, match[2]):
			c.Report(value, "%s has no port %s, and so its load balancer no such listener", service, match[2])
		case endsTLS(service, match[2]):
			c.Report(value, "port %s ends TLS, so its listener is of TLS, and silence is cut after 350 s whatever is said here", match[2])
		}
	}
}

func hasPort(service *rule.Object, number string) bool {
	for port := range service.Field("spec", "ports").Items() {
		if port.Field("port").Scalar() == number {
			return true
		}
	}
	return false
}

// endsTLS says whether the load balancer ends TLS on a port: on all where there is a certificate and no list of them.
func endsTLS(service *rule.Object, number string) bool {
	annotations := service.Field("metadata", "annotations")
	if annotations.Field(notes+"ssl-cert").Text() == "" {
		return false
	}
	ports := annotations.Field(notes + "ssl-ports").Text()
	if ports == "" {
		return true
	}
	for _, name := range strings.Split(ports, ",") {
		if name = strings.TrimSpace(name); name == number || isPort(service, name, number) {
			return true
		}
	}
	return false
}

// isPort says whether a port's name is that of the number.
func isPort(service *rule.Object, name, number string) bool {
	if _, err := strconv.Atoi(name); err == nil {
		return false
	}
	for port := range service.Field("spec", "ports").Items() {
		if port.Field("name").Text() == name && port.Field("port").Scalar() == number {
			return true
		}
	}
	return false
}

func emptyPolicy() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1202", Name: "security-group-policy-of-nothing", Level: finding.Warning,
			Summary: "A SecurityGroupPolicy selects pods, and gives them groups.",
			Why:     "EKS passes over a SecurityGroupPolicy that has neither a podSelector nor a serviceAccountSelector, or no group. It is accepted, and the pods go on with the security groups of their nodes.",
			How:     "Give it a podSelector (an empty one, {}, is for every pod of the namespace) and groupIds.",
			Refs:    []string{"amazon-vpc-resource-controller-k8s: pkg/utils/helper.go (filterPodSecurityGroups)"},
			Kinds:   []rule.Kind{rule.SecurityGroupPolicy},
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.SecurityGroupPolicy) {
				spec := policy.Field("spec")
				switch {
				case !spec.Field("podSelector").Found() && !spec.Field("serviceAccountSelector").Found():
					c.Report(spec, "without a podSelector or a serviceAccountSelector it is passed over")
				case spec.Field("securityGroups", "groupIds").Len() == 0:
					c.Report(spec, "without groupIds it is passed over")
				}
			}
		},
	}
}

// statusPort is where Istio's proxies say that they are ready. It knows nothing of the proxy protocol.
const statusPort = "15021"

func proxiedHealthCheck() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1203", Name: "health-check-with-proxy-protocol", Level: finding.Warning,
			Summary: "A Network Load Balancer with the proxy protocol checks Istio's status port by connection.",
			Why: "With the proxy protocol the connections of health checks begin with its header, too. Istio's proxy answers a request on 15021 that begins so with 400, " +
				"and no target is ever healthy, unless its pods have ENVOY_STATUS_PORT_ENABLE_PROXY_PROTOCOL.",
			How:   "Write service.beta.kubernetes.io/aws-load-balancer-healthcheck-protocol: tcp, without a path, or set ENVOY_STATUS_PORT_ENABLE_PROXY_PROTOCOL for the pods of the gateway.",
			Refs:  []string{"istio#39868", "istio: tools/packaging/common/envoy_bootstrap.json (envoy_status_port_enable_proxy_protocol)"},
			Kinds: []rule.Kind{rule.Service},
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.Service) {
				annotations := service.Field("metadata", "annotations")
				check := annotations.Field(notes + "healthcheck-protocol")
				if isNetworkLoadBalancer(service) && proxied(annotations) && strings.EqualFold(check.Text(), "http") && annotations.Field(notes+"healthcheck-port").Scalar() == statusPort {
					c.Report(check, "a request on %s that begins with the proxy protocol's header is answered with 400", statusPort)
				}
			}
		},
	}
}

// proxied says whether targets are sent the proxy protocol.
func proxied(annotations rule.Value) bool {
	return annotations.Field(notes+"proxy-protocol").Text() == "*" ||
		strings.Contains(annotations.Field(notes+"target-group-attributes").Text(), "proxy_protocol_v2.enabled=true")
}
