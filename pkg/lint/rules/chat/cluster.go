package chat

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func noToken() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1506", Name: "page-without-token", Level: finding.Error,
			Summary: "The pods of a page that reads the model's routes have a token for the API server.",
			Why: "With --model-deployment the page reads revisions, testers' headers and weights from the cluster, as the pod's ServiceAccount. " +
				"With automountServiceAccountToken: false, on the pod or on the account where the pod says nothing, there is no token in it: the program finds no cluster and ends, again and again.",
			How:   "Write automountServiceAccountToken: true into the pod; the account itself may keep false.",
			Refs:  []string{"kubernetes: docs/tasks/configure-pod-container/configure-service-account (opt out of API credential automounting)"},
			Kinds: rule.WorkloadKinds(rule.ServiceAccount),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				_, name := page.Deployment()
				at := page.Pod.Field("automountServiceAccountToken")
				if own := c.Find(rule.ServiceAccount, page.Namespace, page.Account()); own != nil && !at.Found() {
					at = own.Field("automountServiceAccountToken")
				}
				if name != "" && at.Is(false) && !bringsToken(page) {
					c.Report(at, "the pods of %s have no token to read the routes of %s with", page.Object, name)
				}
			}
		},
	}
}

// bringsToken says whether a pod has a token or a kubeconfig by a volume or a variable of its own.
func bringsToken(page rule.ChatPage) bool {
	_, told := page.Flag("kubeconfig")
	for _, volume := range page.Volumes() {
		for source := range volume.All("projected", "sources", "*", "serviceAccountToken") {
			told = told || source.Found()
		}
	}
	return told || page.Container.Env("KUBECONFIG").Found()
}

func mayNotRead() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1507", Name: "page-may-not-read-routes", Level: finding.Error,
			Summary: "A Role lets a page read the routes of its model.",
			Why: "With --model-deployment NAME the page gets the VirtualService NAME, or else the HTTPRoute NAME-mesh or NAME, every ten seconds. A ServiceAccount may nothing by itself: " +
				"without a binding to a Role with get on one of these the API server answers 403, and the page knows neither revisions nor shares.",
			How:   "Bind the page's account to a Role with verbs: [get] on the resource of the route, and its name in resourceNames.",
			Refs:  []string{"kubernetes: docs/reference/access-authn-authz/rbac (referring to resources)"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Role, rule.RoleBinding, rule.ClusterRole, rule.ClusterRoleBinding)...),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				namespace, model := page.Deployment()
				routers := slices.DeleteFunc(c.Routers(), func(router *rule.Object) bool { return router.Namespace != namespace || !isRead(router, model) })
				roles, known := rolesOf(c, page, namespace)
				if model == "" || len(routers) == 0 || !known || letsAny(roles, routers) {
					continue
				}
				c.Report(whereTo(page, roles), "nothing lets ServiceAccount %s get %s", page.Account(), routers[0])
			}
		},
	}
}

// isRead says whether a page looks for a model's shares in a route (pkg/rollout/live/shares.go).
func isRead(router *rule.Object, model string) bool {
	return router.Name == model || router.Kind == rule.HTTPRoute && router.Name == model+"-mesh"
}

// letsAny says whether one of the roles has get on one of the routes.
func letsAny(roles, routers []*rule.Object) bool {
	return slices.ContainsFunc(roles, func(role *rule.Object) bool {
		return slices.ContainsFunc(routers, func(router *rule.Object) bool { return lets(role, router) })
	})
}

// whereTo is the rules of the role that should name a route, or else the account.
func whereTo(page rule.ChatPage, roles []*rule.Object) rule.Value {
	if len(roles) > 0 {
		return roles[0].Field("rules")
	}
	return account(page)
}

// rolesOf are the roles that a page's account has in a namespace. They are not known where one of the cluster is not in the set; of a
// Role that is not there nothing is let.
func rolesOf(c *rule.Context, page rule.ChatPage, namespace string) (roles []*rule.Object, known bool) {
	for _, binding := range slices.Concat(c.Objects(rule.RoleBinding), c.Objects(rule.ClusterRoleBinding)) {
		if binding.Kind == rule.RoleBinding && binding.Namespace != namespace || !isFor(binding, page) {
			continue
		}
		role := binding.Field("roleRef", "name").Text()
		if binding.Field("roleRef", "kind").Text() == rule.Role.Name() {
			if found := c.Find(rule.Role, namespace, role); found != nil {
				roles = append(roles, found)
			}
			continue
		}
		found := c.Find(rule.ClusterRole, "", role)
		if found == nil || found.Field("aggregationRule").Found() {
			return nil, false
		}
		roles = append(roles, found)
	}
	return roles, true
}

// isFor says whether a binding is for a page's account, or for a group that it is in.
func isFor(binding *rule.Object, page rule.ChatPage) bool {
	for subject := range binding.Field("subjects").Items() {
		name := subject.Field("name").Text()
		if subject.Field("kind").Text() == rule.ServiceAccount.Name() && name == page.Account() && subject.Field("namespace").Text() == page.Namespace ||
			name == "system:authenticated" || name == "system:serviceaccounts" || name == "system:serviceaccounts:"+page.Namespace {
			return true
		}
	}
	return false
}

// lets says whether a role has get on a route.
func lets(role, router *rule.Object) bool {
	group, _, _ := strings.Cut(router.Resource.APIVersion(), "/")
	resource := strings.ToLower(router.Kind.Name()) + "s"
	return slices.ContainsFunc(slices.Collect(role.Field("rules").Items()), func(entry rule.Value) bool {
		names := entry.Field("resourceNames").Strings()
		return lists(entry, "apiGroups", group) && lists(entry, "resources", resource) && lists(entry, "verbs", "get") &&
			(len(names) == 0 || slices.Contains(names, router.Name))
	})
}

// lists says whether a field of a rule has a value, or a star for all.
func lists(entry rule.Value, field, value string) bool {
	listed := entry.Field(field).Strings()
	return slices.Contains(listed, value) || slices.Contains(listed, "*")
}
