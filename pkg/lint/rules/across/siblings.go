package across

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

const injectLabel = "sidecar.istio.io/inject"

func siblingWithoutSidecar() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1025", Name: "sibling-without-sidecar", Level: finding.Warning,
			Summary: "Servers behind one VirtualService or HTTPRoute all say that they get a sidecar.",
			Why: "One of them is labelled for injection, so the namespace isn't counted on, and the other says nothing. Without a sidecar nothing refuses plaintext to its pods or applies their policies, " +
				"and clients that use mutual TLS towards the one can't talk to the other.",
			How:   `Label both sidecar.istio.io/inject: "true" (spec.predictor.labels); or put the Namespace with istio-injection: enabled into the set.`,
			Refs:  []string{"istio: docs/setup/additional-setup/sidecar-injection (controlling the injection policy)"},
			Whole: true,
			Kinds: rule.ServiceKinds(rule.RouteKinds(rule.Namespace, rule.LeaderWorkerSet, rule.Deployment, rule.StatefulSet, rule.Pod)...),
		},
		Check: func(c *rule.Context) {
			reported := map[*rule.Workload]bool{}
			for _, router := range c.Routers() {
				var labelled *rule.Workload
				servers := serversOf(c, router)
				for _, server := range servers {
					if server.Labels[injectLabel] == "true" {
						labelled = server
					}
				}
				for _, server := range servers {
					if labelled != nil && !reported[server] && server.Namespace == labelled.Namespace && undecided(c, server) {
						reported[server] = true
						c.Report(server.Pod.Field("labels"), "%s behind the same %s is labelled for a sidecar, this is not", labelled.Object, router.Kind.Name())
					}
				}
			}
		},
	}
}

// serversOf are the predictors that a VirtualService or an HTTPRoute sends to.
func serversOf(c *rule.Context, router *rule.Object) []*rule.Workload {
	var servers []*rule.Workload
	for _, route := range rule.RoutesOf(router) {
		for _, destination := range route.Destinations() {
			service, _ := c.ServiceAt(destination)
			if service == nil {
				continue
			}
			for _, pods := range c.PodsOf(service) {
				if pods.Serves && pods.Known() {
					servers = append(servers, pods)
				}
			}
		}
	}
	return servers
}

// undecided says whether neither pods nor, as far as the set knows, their namespace say anything of a sidecar.
func undecided(c *rule.Context, server *rule.Workload) bool {
	namespace := c.Find(rule.Namespace, "", server.Namespace)
	return server.Labels[injectLabel] == "" && server.Labels["istio.io/rev"] == "" && server.PodAnnotation(injectLabel).Text() == "" &&
		(namespace == nil || namespace.Label("istio-injection").Text() == "" && namespace.Label("istio.io/rev").Text() == "" && namespace.Label("istio.io/dataplane-mode").Text() == "")
}
