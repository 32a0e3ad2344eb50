package importer

import (
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// balancerNotes begins the annotations that the AWS Load Balancer Controller reads of a Service.
const balancerNotes = "service.beta.kubernetes.io/aws-load-balancer-"

// adapterRules is the name of the ConfigMap that `render --shared` writes.
const adapterRules = "vllm-adapter-rules"

// eksNetwork infers spec.platform.eks.network, empty where nothing tells.
func (s *scene) eksNetwork() map[string]any {
	network := map[string]any{}
	s.each("SecurityGroupPolicy", "vpcresources.k8s.aws/", func(r *manifest.Resource) {
		if s.hasGroups(r) {
			put(network, dig(r.Data, "spec", "securityGroups", "groupIds"), "podSecurityGroups")
		}
	})
	s.each("Service", "v1", func(r *manifest.Resource) {
		if s.balances(r) {
			network["loadBalancer"] = balancerFields(r)
		}
	})
	return network
}

// hasGroups says whether a SecurityGroupPolicy is about the model's pods.
func (s *scene) hasGroups(r *manifest.Resource) bool {
	return s.selectsUs(&manifest.Resource{Data: map[string]any{"metadata": r.Data["metadata"], "spec": map[string]any{"selector": selectorOf(r)}}})
}

// balances says whether a Service is the load balancer before the model's gateway.
func (s *scene) balances(r *manifest.Resource) bool {
	namespace, _, _ := strings.Cut(s.gateway(), "/")
	return s.route != nil && !isHTTPRoute(s.route) && r.Namespace() == namespace && namespace != "" &&
		strings.HasSuffix(text(dig(r.Data, "spec", "loadBalancerClass")), "/nlb") &&
		text(dig(r.Data, "spec", "selector", "istio")) == "ingressgateway"
}

func balancerFields(r *manifest.Resource) map[string]any {
	fields := map[string]any{}
	note := func(name string) string { return text(dig(r.Data, "metadata", "annotations", balancerNotes+name)) }
	put(fields, note("scheme"), "scheme")
	put(fields, note("ssl-cert"), "certificateArn")
	if note("proxy-protocol") == "*" {
		fields["proxyProtocol"] = true
	}
	if strings.Contains(note("attributes"), "load_balancing.cross_zone.enabled=false") {
		fields["crossZone"] = false
	}
	put(fields, dig(r.Data, "spec", "loadBalancerSourceRanges"), "sourceRanges")
	for _, port := range items(dig(r.Data, "spec", "ports")) {
		written := strings.TrimPrefix(note("listener-attributes.TCP-"+text(quantity(dig(port, "port")))), "tcp.idle_timeout.seconds=")
		if seconds, err := strconv.Atoi(written); err == nil {
			put(fields, duration(seconds), "idleTimeout")
		}
	}
	return fields
}

// schedule infers the hours at which KEDA keeps replicas.
func schedule(scaling map[string]any, scaled *manifest.Resource) {
	var hours []any
	for _, trigger := range items(dig(scaled.Data, "spec", "triggers")) {
		if text(dig(trigger, "type")) != "cron" {
			continue
		}
		entry := map[string]any{}
		for _, key := range []string{"timezone", "start", "end"} {
			put(entry, text(dig(trigger, "metadata", key)), key)
		}
		if replicas, err := strconv.ParseInt(text(dig(trigger, "metadata", "desiredReplicas")), 10, 64); err == nil {
			put(entry, replicas, "min")
		}
		hours = append(hours, entry)
	}
	put(scaling, hours, "schedule")
}

// adapts says whether a ConfigMap holds our rules of prometheus-adapter, and one for the metric that the model scales by.
func (s *scene) adapts(r *manifest.Resource) bool {
	if r.Name() != adapterRules || !strings.Contains(text(dig(r.Data, "metadata", "labels", "app.kubernetes.io/managed-by")), "kservegen") {
		return false
	}
	for _, w := range s.workloads {
		hpa := s.autoscaler(w)
		if hpa == nil {
			continue
		}
		for _, metric := range items(dig(hpa.Data, "spec", "metrics")) {
			if name := text(dig(metric, "pods", "metric", "name")); name != "" && strings.Contains(text(dig(r.Data, "data", "config.yaml")), "seriesQuery: "+name+"{") {
				return true
			}
		}
	}
	return false
}

// holdsNodes says whether a Deployment of ours does nothing but hold nodes for the model.
func (s *scene) holdsNodes(r *manifest.Resource) bool {
	containers := items(dig(r.Data, "spec", "template", "spec", "containers"))
	return len(s.workloads) > 0 && r.Namespace() == s.workloads[0].object.Namespace() && len(containers) == 1 &&
		text(dig(r.Data, "metadata", "labels", spec.ModelLabel)) != "" && strings.HasPrefix(text(dig(containers[0], "image")), "registry.k8s.io/pause:")
}

func spareFields(r *manifest.Resource) map[string]any {
	fields := map[string]any{}
	put(fields, dig(r.Data, "spec", "replicas"), "replicas")
	if class := text(dig(r.Data, "spec", "template", "spec", "priorityClassName")); class != spec.SpareClass {
		put(fields, class, "priorityClass")
	}
	return fields
}
