// Package mesh holds the rules about mutual TLS, authorization and authentication in the mesh.
package mesh

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		plaintextHole(), strictWithoutSidecar(), selectsNothing(), letsEveryoneIn(), tokenNotRequired(),
		denyByIdentity(), gatewayNotAdmitted(), servicePortInPolicy(), plaintextClient(), initializerInMesh(),
		plaintextScrape(), portLevelRefused(), tokenNotChecked(), callerWithoutSidecar(),
		modeNotSet(), policiesDisagree(), denialUndone(), exclusionByIdentity(), principalAsURI(), demandUndone(),
	}
}

// selectedBy returns the workloads that a policy of Istio applies to, of those in the set.
func selectedBy(c *rule.Context, policy *rule.Object) []*rule.Workload {
	var selected []*rule.Workload
	labels := policy.Field("spec", "selector", "matchLabels").Map()
	for _, workload := range c.InNamespace(policy.Namespace) {
		if rule.Selects(labels, workload.Labels) {
			selected = append(selected, workload)
		}
	}
	return selected
}

// strict says whether a PeerAuthentication of the set refuses plaintext to a workload: the one that selects it
// counts before that of its namespace.
func strict(c *rule.Context, workload *rule.Workload) bool {
	mode, specific := "", false
	for _, peer := range c.Objects(rule.PeerAuthentication) {
		labels := peer.Field("spec", "selector", "matchLabels").Map()
		if peer.Namespace != workload.Namespace || !rule.Selects(labels, workload.Labels) || specific && len(labels) == 0 {
			continue
		}
		if own := peer.Field("spec", "mtls", "mode").Text(); own != "" && own != "UNSET" {
			mode, specific = own, len(labels) > 0
		}
	}
	return mode == "STRICT"
}

// injection says whether pods of a workload get a sidecar or are in ambient mode: yes, no, or not known.
func injection(c *rule.Context, workload *rule.Workload) (injected, known bool) {
	const key = "sidecar.istio.io/inject"
	value := workload.Labels[key]
	if value == "" {
		value = workload.PodAnnotation(key).Text()
	}
	if value != "" {
		return value == "true", true
	}
	if revision := workload.Labels["istio.io/rev"]; revision != "" {
		return true, true
	}
	namespace := c.Find(rule.Namespace, "", workload.Namespace)
	if namespace == nil {
		return false, false
	}
	on := namespace.Label("istio-injection").Text() == "enabled" || namespace.Label("istio.io/rev").Text() != "" ||
		namespace.Label("istio.io/dataplane-mode").Text() == "ambient"
	return on, true
}

// downloads says whether a storage URI is loaded over the network by the storage-initializer.
func downloads(uri string) bool {
	scheme, _, _ := strings.Cut(uri, "://")
	return slices.Contains([]string{"s3", "gs", "hf", "http", "https", "hdfs", "webhdfs"}, scheme)
}
