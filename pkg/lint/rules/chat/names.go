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
			Summary: "A page in a pod listens on the port that the pod declares.",
			Why: "Without --listen the page has port 8710 of the loopback interface, as on a desk: neither the kubelet's probes nor the Service get there, so the pod is never ready. " +
				"A declared port changes nothing about where the program listens.",
			How:   "Write --listen=0.0.0.0:8080, and 8080 as the containerPort.",
			Refs:  []string{"kservegen: cmd/kservegen/internal/cli/chat_web.go", "kubernetes: core/v1 ContainerPort.containerPort"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
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

func unknownName() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1503", Name: "page-under-unknown-name", Level: finding.Error,
			Summary: "The hosts of a route to a page are those that the page is told.",
			Why: "The page answers 421 to every name that no --listen-host says, for a name that somebody else makes lead to it would be of one origin with it in a browser (DNS rebinding). " +
				"Where a route rewrites the host, the page sees another than the browser's Origin and refuses each question with 403.",
			How:   "Write --listen-host with the route's host, and leave the host as it comes.",
			Refs:  []string{"kservegen: pkg/chat/web/guard.go"},
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry)...),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				for _, router := range routersTo(c, page) {
					checkNames(c, page, router)
				}
			}
		},
	}
}

func checkNames(c *rule.Context, page rule.ChatPage, router *rule.Object) {
	for _, host := range hostsOf(router) {
		known := slices.ContainsFunc(page.Hosts(), func(told rule.Flag) bool { return strings.EqualFold(told.Value, host.Text()) })
		if !known {
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
