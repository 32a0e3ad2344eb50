package chat

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func asksNobody() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1514", Name: "page-asks-nobody", Level: finding.Error,
			Summary: "The Service, the model and the routes that a page asks for are there.",
			Why: "The page starts whether they are or not. With a --url that names no Service, or a port that it lacks, no question is answered; vLLM answers 404 to a --model that it does not serve; " +
				"and for a --model-deployment that no route is called by, revisions and shares are not known.",
			How:   "Write the name, the namespace and the port of the model's Service into --url, what --served-model-name says into --model, and the name of the VirtualService into --model-deployment.",
			Refs:  []string{"kubernetes: docs/concepts/services-networking/dns-pod-service", "kservegen: pkg/rollout/live/shares.go", "vllm: docs/serving/openai_compatible_server.md"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry)...),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				checkURL(c, page)
				checkModel(c, page)
				checkDeployment(c, page)
			}
		},
	}
}

// checkURL judges names of namespaces of which the set has models, or where one's Service of that name is in another namespace.
func checkURL(c *rule.Context, page rule.ChatPage) {
	flag, _ := page.Flag("url")
	host, port, inCluster := page.Asked()
	if service := c.ServiceOfModel(page); service != nil {
		number := slices.ContainsFunc(service.Ports, func(n int64) bool { return port == strconv.FormatInt(n, 10) })
		if len(service.Ports) > 0 && !number {
			c.Report(flag.At, "Service %s serves %v, not %s", service.Name, service.Ports, port)
		}
		return
	}
	populated, meant := false, ""
	for _, service := range c.Services() {
		if !slices.ContainsFunc(c.PodsOf(&service), isModel) {
			continue
		}
		populated = populated || service.Namespace == host.Namespace
		if service.Name == host.Service {
			meant = service.Namespace
		}
	}
	switch {
	case !inCluster || c.HasEntry(host.Service+"."+host.Namespace+".svc.cluster.local"):
	case meant != "" && !populated:
		c.Report(flag.At, "the set makes Service %s in %s", host.Service, rule.InNamespace(meant))
	case populated:
		c.Report(flag.At, "the set makes no Service %s in %s", host.Service, rule.InNamespace(host.Namespace))
	}
}

// checkModel compares with what the servers are told. A word of their command lines that is the model's name may be that of an adapter.
func checkModel(c *rule.Context, page rule.ChatPage) {
	flag, told := page.Flag("model")
	models := c.Models(page)
	for _, model := range models {
		_, named := rule.FindFlag(model.Main(), "served-model-name")
		if !model.Known() || !named || slices.ContainsFunc(model.Main().Args(), func(arg rule.Value) bool { return says(arg.Text(), flag.Value) }) {
			return
		}
	}
	if told && len(models) > 0 {
		served, _ := rule.FindFlag(models[0].Main(), "served-model-name")
		c.Report(flag.At, "%s serves %q", models[0].Object, served.Value)
	}
}

// says says whether an argument, its value or one of its words is a name, which may have a colon itself, or a template that may
// become it.
func says(argument, name string) bool {
	words := strings.FieldsFunc(argument, func(r rune) bool { return strings.ContainsRune("=,:\"'{}[] \n\t", r) })
	return argument == name || strings.HasSuffix(argument, "="+name) || strings.Contains(argument, "{{") || strings.Contains(argument, "$(") || slices.Contains(words, name)
}

// checkDeployment looks for the routes that a page reads, where the set has others to its model in their namespace.
func checkDeployment(c *rule.Context, page rule.ChatPage) {
	namespace, name := page.Deployment()
	flag, told := page.Flag("model-deployment")
	var other *rule.Object
	for _, router := range c.Routers() {
		if router.Namespace == namespace && isRead(router, name) {
			return
		}
		if other == nil && leadsToModel(c, router, page) {
			other = router
		}
	}
	if told && namespace != "" && other != nil {
		c.Report(flag.At, "%s has no route of this name, and that to the model is %s", rule.InNamespace(namespace), other)
	}
}

// leadsToModel says whether a route leads to pods that answer what a page asks.
func leadsToModel(c *rule.Context, router *rule.Object, page rule.ChatPage) bool {
	models := c.Models(page)
	for _, route := range rule.RoutesOf(router) {
		for _, destination := range route.Destinations() {
			service, _ := c.ServiceAt(destination)
			if service != nil && slices.ContainsFunc(c.PodsOf(service), func(pods *rule.Workload) bool { return slices.Contains(models, pods) }) {
				return true
			}
		}
	}
	return false
}
