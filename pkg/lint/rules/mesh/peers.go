package mesh

import (
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func plaintextHole() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0401", Name: "plaintext-accepted", Level: finding.Warning,
			Summary: "No PeerAuthentication lets plaintext in.",
			Why: "PERMISSIVE accepts callers outside of the mesh, and DISABLE turns mutual TLS off; with either, on all ports or on one, " +
				"anybody who reaches the pod's address gets answers, and traffic can be read.",
			How:   "Set the mode to STRICT, or leave a port's exception to a port that serves no model.",
			Refs:  []string{"istio: docs/reference/config/security/peer_authentication"},
			Kinds: []rule.Kind{rule.PeerAuthentication},
		},
		Check: func(c *rule.Context) {
			for _, peer := range c.Objects(rule.PeerAuthentication) {
				report := func(mode rule.Value, where string) {
					if text := mode.Text(); text == "PERMISSIVE" || text == "DISABLE" {
						c.Report(mode, "%s accepts plaintext%s", text, where)
					}
				}
				report(peer.Field("spec", "mtls", "mode"), "")
				for port, mtls := range peer.Field("spec", "portLevelMtls").Entries() {
					report(mtls.Field("mode"), " on port "+port)
				}
			}
		},
	}
}

func portLevelRefused() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0412", Name: "port-level-mtls-without-selector", Level: finding.Error, Refused: true,
			Summary: "portLevelMtls stands in a PeerAuthentication with a selector.",
			Why:     "The CRD's rule and istiod's webhook refuse port-level modes for a whole namespace or mesh.",
			How:     "Add a selector with matchLabels, or remove portLevelMtls.",
			Refs:    []string{"istio: pkg/config/validation/validation.go (ValidatePeerAuthentication)"},
			Kinds:   []rule.Kind{rule.PeerAuthentication},
		},
		Check: func(c *rule.Context) {
			for _, peer := range c.Objects(rule.PeerAuthentication) {
				ports := peer.Field("spec", "portLevelMtls")
				if ports.Len() > 0 && peer.Field("spec", "selector", "matchLabels").Len() == 0 {
					c.Report(ports, "portLevelMtls without a selector is refused")
				}
			}
		},
	}
}

func strictWithoutSidecar() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0402", Name: "strict-without-sidecar", Level: finding.Error,
			Summary: "Pods that a STRICT PeerAuthentication selects have a sidecar.",
			Why: "The sidecar is what refuses plaintext. A pod without one isn't protected at all, whatever the policies say, " +
				"and clients in the mesh that are told to use mutual TLS can't reach it.",
			How:   `Label the pods sidecar.istio.io/inject: "true" (spec.predictor.labels), or the namespace istio-injection: enabled.`,
			Refs:  []string{"istio: docs/setup/additional-setup/sidecar-injection"},
			Kinds: rule.WorkloadKinds(rule.PeerAuthentication, rule.Namespace),
		},
		Check: func(c *rule.Context) {
			for _, peer := range c.Objects(rule.PeerAuthentication) {
				mode := peer.Field("spec", "mtls", "mode")
				if mode.Text() != "STRICT" {
					continue
				}
				for _, workload := range selectedBy(c, peer) {
					if injected, known := injection(c, workload); known && !injected {
						c.Report(mode, "the pods of %s have no sidecar, so nothing refuses plaintext to them", workload.Object)
					}
				}
			}
		},
	}
}

func plaintextClient() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0409", Name: "client-without-mtls", Level: finding.Error,
			Summary: "A DestinationRule doesn't turn mutual TLS off towards pods that require it.",
			Why: "A DestinationRule with a tls mode of DISABLE or SIMPLE overrides automatic mutual TLS: clients send plaintext, or TLS without their certificate, " +
				"and a STRICT server resets the connection; every request fails with 503.",
			How:   "Set the mode to ISTIO_MUTUAL, or leave tls out.",
			Refs:  []string{"istio: docs/ops/common-problems/network-issues (503 after setting destination rule)"},
			Kinds: rule.WorkloadKinds(rule.Service, rule.ServiceEntry, rule.DestinationRule, rule.PeerAuthentication),
		},
		Check: func(c *rule.Context) {
			for _, destination := range c.Objects(rule.DestinationRule) {
				service, _ := c.ServiceOf(destination.Field("spec", "host").Text(), destination.Namespace)
				if service == nil {
					continue
				}
				if !slices.ContainsFunc(c.PodsOf(service), func(w *rule.Workload) bool { return strict(c, w) }) {
					continue
				}
				modes := slices.Collect(destination.All("spec", "subsets", "*", "trafficPolicy", "tls", "mode"))
				for _, mode := range append(modes, destination.Field("spec", "trafficPolicy", "tls", "mode")) {
					if text := mode.Text(); text == "DISABLE" || text == "SIMPLE" {
						c.Report(mode, "the pods of %s accept mutual TLS only", service.Name)
					}
				}
			}
		},
	}
}

func initializerInMesh() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0410", Name: "initializer-before-sidecar", Level: finding.Warning,
			Summary: "The storage-initializer can reach its storage in a pod with a sidecar.",
			Holds:   []rule.Range{{Product: rule.Istio, Until: rule.Version{Major: 1, Minor: 27}}},
			Why: "Before native sidecars, Istio's init container or CNI redirects all traffic to a proxy that starts only after the init containers: " +
				"the storage-initializer gets connection refused. From Istio 1.27 on the sidecar is an init container that starts first.",
			How:   `Set the annotation serving.kserve.io/storage-initializer-uid: "1337" on the InferenceService, or exclude the storage's ports or addresses from redirection.`,
			Refs:  []string{"kserve#3986", "kserve#2096", "istio/istio#32039"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.PodLabels()["sidecar.istio.io/inject"] != "true" || p.PodAnnotation("serving.kserve.io/storage-initializer-uid").Text() == "1337" ||
					p.PodAnnotation("traffic.sidecar.istio.io/excludeOutboundPorts").Found() || p.PodAnnotation("traffic.sidecar.istio.io/excludeOutboundIPRanges").Found() {
					continue
				}
				for _, uri := range p.StorageURIs() {
					if downloads(uri.Text()) {
						c.Report(uri, "the init container that loads it starts before the sidecar that its traffic goes through")
					}
				}
			}
		},
	}
}
