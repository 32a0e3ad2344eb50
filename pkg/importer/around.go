package importer

import (
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// replicaFields infers spec.replicas: those of the autoscaler where one of its own scales.
func (s *scene) replicaFields(w *workload) map[string]any {
	replicas := map[string]any{}
	low, high := w.pod.get("minReplicas"), w.pod.get("maxReplicas")
	if w.isDeployment() || w.isLeaderWorkerSet() || w.isLLM() {
		low, high = dig(w.object.Data, "spec", "replicas"), nil
	}
	if low == nil && w.predictor != nil && s.byKServe() { // KServe computes it from the stable revision's
		low = dig(w.object.Data, "spec", "predictor", "minReplicas")
	}
	if hpa := s.autoscaler(w); hpa != nil {
		low, high = dig(hpa.Data, "spec", "minReplicas"), dig(hpa.Data, "spec", "maxReplicas")
	}
	if scaled := s.scaledObject(w); scaled != nil {
		low, high = scaledFields(scaled)
	}
	put(replicas, low, "min")
	put(replicas, high, "max")
	if replicas["min"] != nil && (replicas["max"] == nil || number(replicas["max"], 0) < number(replicas["min"], 0)) {
		replicas["max"] = replicas["min"]
	}
	return replicas
}

// autoscaler is the HorizontalPodAutoscaler of a workload, nil where there is none.
func (s *scene) autoscaler(w *workload) *manifest.Resource {
	return s.scalerOf(w, "HorizontalPodAutoscaler", "autoscaling/")
}

// scalerOf is the last object of a kind that scales a workload.
func (s *scene) scalerOf(w *workload, kind, group string) *manifest.Resource {
	name := w.controller()
	var found *manifest.Resource
	s.each(kind, group, func(r *manifest.Resource) {
		if r.Namespace() == w.object.Namespace() && text(dig(r.Data, "spec", "scaleTargetRef", "name")) == name {
			found = r
		}
	})
	return found
}

// scaling infers the metric that scales.
func (s *scene) scaling() map[string]any {
	scaling := map[string]any{}
	done, room := false, false
	for _, w := range s.workloads {
		hpa, scaled := s.autoscaler(w), s.scaledObject(w)
		replicas := s.replicaFields(w)
		room = room || number(replicas["max"], 1) > number(replicas["min"], 1)
		done = done || hpa != nil || scaled != nil
		put(scaling, coldStart(text(scaling["coldStart"]), hpa, scaled), "coldStart")
		if scaled != nil {
			s.keda(scaling, scaled)
			continue
		}
		if hpa == nil {
			continue
		}
		for _, metric := range items(dig(hpa.Data, "spec", "metrics")) {
			put(scaling, text(dig(metric, "pods", "metric", "name")), "metric")
			put(scaling, quantityScalar(dig(metric, "pods", "target", "averageValue")), "target")
		}
	}
	if s.ours() && room && !done {
		put(scaling, "off", "type")
	}
	s.each("Deployment", "apps/", func(r *manifest.Resource) {
		if s.holdsNodes(r) {
			put(scaling, spareFields(r), "spare")
		}
	})
	s.each("ConfigMap", "v1", func(r *manifest.Resource) {
		if s.adapts(r) {
			put(scaling, true, "adapterRules")
		}
	})
	return scaling
}

// monitoring infers who scrapes, from the NetworkPolicy that lets it in, and what watches.
func (s *scene) monitoring() map[string]any {
	monitoring := map[string]any{}
	s.each("NetworkPolicy", "networking.k8s.io/", func(r *manifest.Resource) {
		for _, rule := range items(dig(r.Data, "spec", "ingress")) {
			for _, port := range items(dig(rule, "ports")) {
				if number(dig(port, "port"), 0) != spec.MetricsPort {
					continue
				}
				for _, from := range items(dig(rule, "from")) {
					put(monitoring, text(dig(from, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")), "namespace")
				}
			}
		}
	})
	s.watching(monitoring)
	return monitoring
}

// platform infers spec.platform.eks, nil where nothing tells.
func (s *scene) platform() map[string]any {
	eks := map[string]any{}
	found := false
	for _, w := range s.workloads {
		if account := s.account(w); account != nil {
			annotations := dig(account.Data, "metadata", "annotations")
			put(eks, text(dig(annotations, "eks.amazonaws.com/role-arn")), "roleArn")
			if eks["roleArn"] != nil {
				put(eks, text(dig(annotations, "serving.kserve.io/s3-region")), "region")
			}
		}
	}
	put(eks, s.downloadRegion(), "region")
	s.each("NetworkPolicy", "networking.k8s.io/", func(r *manifest.Resource) {
		for _, rule := range items(dig(r.Data, "spec", "egress")) {
			for _, to := range items(dig(rule, "to")) {
				found = found || dig(to, "ipBlock", "cidr") == spec.PodIdentityAgent
				if dig(to, "ipBlock", "cidr") == spec.PodIdentityAgentIPv6 {
					put(eks, spec.IPv6, "ipFamily")
				}
			}
		}
	})
	put(eks, orNil(s.eksNetwork()), "network")
	if len(eks) > 0 || found {
		return eks
	}
	return nil
}
