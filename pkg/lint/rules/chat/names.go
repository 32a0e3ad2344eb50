package chat

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func listensElsewhere() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1502", Name: "page-listens-elsewhere", Level: finding.Error,
			Summary: "A page in a pod listens on the port that the pod declares, and is probed where it answers.",
			Why: "Without --listen the page has port 8710 of the loopback interface, as on a desk: neither the kubelet's probes nor the Service get there, so the pod is never ready. " +
				"A declared port changes nothing about where the program listens. To the kubelet, which asks by the pod's address and signs in nowhere, the page answers on /healthz alone.",
			How:   "Write --listen=0.0.0.0:8080, 8080 as the containerPort, and /healthz as the path of the probes.",
			Refs:  []string{"kservegen: cmd/kservegen/internal/cli/chat_web.go", "kubernetes: core/v1 ContainerPort.containerPort"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, page := range direct(c) {
				checkProbes(c, page)
				port, open := page.Listens()
				flag, told := page.Flag("listen")
				at := flag.At
				if !told {
					at = page.Container.Strongest()
				}
				declared := page.Container.Ports()
				switch {
				case !open:
					c.Report(at, "only the pod itself reaches the page on its loopback interface")
				case len(declared) > 0 && !slices.ContainsFunc(declared, func(p rule.Value) bool { return p.Field("containerPort").Scalar() == port }):
					c.Report(declared[0].Field("containerPort"), "the page listens on %s", port)
				}
			}
		},
	}
}

// checkProbes looks at the paths of probes. One for the page's start that says a host of its own may be answered without a sign-in.
func checkProbes(c *rule.Context, page rule.ChatPage) {
	for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
		get := page.Container.Field(probe, "httpGet")
		asked := get.Field("path")
		start := asked.Text() == "/" || !asked.Found()
		if get.Found() && asked.Text() != "/healthz" && !(start && page.SignsInByToken()) {
			at := asked
			if !asked.Found() {
				at = get
			}
			c.Report(at, "the page answers the kubelet on /healthz alone")
		}
	}
}

func unknownName() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1503", Name: "page-under-unknown-name", Level: finding.Error,
			Summary: "The hosts of a route to a page are those that the page is told.",
			Why: "The page answers 421 to every name that no --listen-host says, for a name that somebody else makes lead to it would be of one origin with it in a browser (DNS rebinding). " +
				"Where a route rewrites the host, the page sees another than the browser's Origin and refuses each question with 403. A host of the page whose route leads elsewhere opens no page.",
			How:   "Write --listen-host with the route's host, leave the host as it comes, and let it lead to the page's Service.",
			Refs:  []string{"kservegen: pkg/chat/web/guard.go"},
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry)...),
		},
		Check: func(c *rule.Context) {
			for _, page := range direct(c) {
				routers := routersTo(c, page)
				for _, router := range routers {
					checkNames(c, page, router)
				}
				if len(routers) == 0 {
					checkElsewhere(c, page)
				}
			}
		},
	}
}

// checkElsewhere looks for hosts of a page, to which nothing leads, on the way to other pods of the set.
func checkElsewhere(c *rule.Context, page rule.ChatPage) {
	for _, router := range c.Routers() {
		for _, host := range hostsOf(router) {
			if !isTold(page, host.Text()) {
				continue
			}
			for _, route := range rule.RoutesOf(router) {
				for _, destination := range route.Destinations() {
					if service, _ := c.ServiceAt(destination); service != nil && len(c.PodsOf(service)) > 0 {
						c.Report(destination.Name, "%s is the page of %s, and leads to other pods", host.Text(), page.Object)
					}
				}
			}
		}
	}
}

func isTold(page rule.ChatPage, host string) bool {
	return slices.ContainsFunc(page.Hosts(), func(told rule.Flag) bool { return strings.EqualFold(told.Value, host) })
}

func checkNames(c *rule.Context, page rule.ChatPage, router *rule.Object) {
	for _, host := range hostsOf(router) {
		if !isTold(page, host.Text()) {
			c.Report(host, "%s answers 421 to requests for %s", page.Object, host.Text())
		}
	}
	for _, route := range rule.RoutesOf(router) {
		rewrites := append(slices.Collect(route.Rule.All("filters", "*", "urlRewrite", "hostname")), route.Rule.Field("rewrite", "authority"))
		for _, name := range rewrites {
			if name.Text() != "" {
				c.Report(name, "%s refuses what browsers send from another host", page.Object)
			}
		}
	}
}
