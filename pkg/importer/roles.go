package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// roles says what each object of a scene is for. Names differ between input and tree, roles do not. A second object of a
// role stands for itself.
func (s *scene) roles() map[*manifest.Resource]string {
	roles, taken := map[*manifest.Resource]string{}, map[string]bool{}
	for _, w := range s.workloads {
		roles[w.object] = "workload/" + w.revision
		if w.runtime != nil {
			roles[w.runtime] = roles[w.object]
		}
	}
	for i := range s.resources {
		r := &s.resources[i]
		if roles[r] != "" {
			continue
		}
		role := s.role(r)
		if role == "" || taken[role] {
			role = strings.Join([]string{"other", r.Kind(), r.Namespace(), r.Name()}, "/")
		}
		if taken[role] { // the same object in several files
			role += fmt.Sprint("/", i)
		}
		roles[r], taken[role] = role, true
	}
	return roles
}

// role is what an object is for, empty where it has nothing to do with the model.
func (s *scene) role(r *manifest.Resource) string {
	switch r.Kind() {
	case "ServiceAccount":
		if slices.ContainsFunc(s.workloads, func(w *workload) bool { return s.account(w) == r }) {
			return "serviceaccount"
		}
	case "PersistentVolumeClaim":
		return "persistentvolumeclaim/" + r.Name()
	case "Service":
		if s.serviceOf(s.workloads...) == r {
			return "service"
		}
	case "VirtualService":
		if s.route == r {
			return "virtualservice"
		}
	case "DestinationRule":
		return ofRevision("destinationrule", s.revisionAt(r, text(dig(r.Data, "spec", "host"))))
	case "HorizontalPodAutoscaler", "PodDisruptionBudget":
		return s.roleOfRevision(r)
	case "AuthorizationPolicy":
		if action := text(dig(r.Data, "spec", "action")); s.selectsUs(r) && (action == "" || action == "ALLOW") {
			return "authorizationpolicy/" + s.purpose(r)
		}
	case "PeerAuthentication", "RequestAuthentication", "PodMonitor", "NetworkPolicy", "Sidecar":
		if s.selectsUs(&manifest.Resource{Data: map[string]any{"metadata": r.Data["metadata"], "spec": map[string]any{"selector": selectorOf(r)}}}) {
			return strings.ToLower(r.Kind())
		}
	case "Gateway":
		if s.route != nil && s.gateway() == r.Namespace()+"/"+r.Name() {
			return "gateway"
		}
	}
	return ""
}

// selectorOf is the selector of the pods that an object is about, in the form that most have.
func selectorOf(r *manifest.Resource) any {
	for _, at := range [][]string{{"selector"}, {"podSelector"}} {
		if selector := dig(r.Data["spec"], at...); selector != nil {
			return selector
		}
	}
	return map[string]any{"matchLabels": dig(r.Data, "spec", "workloadSelector", "labels")}
}

func ofRevision(role, revision string) string {
	if revision == "" {
		return ""
	}
	return role + "/" + revision
}

func (s *scene) roleOfRevision(r *manifest.Resource) string {
	for _, w := range s.workloads {
		switch {
		case r.Kind() == "HorizontalPodAutoscaler":
			if s.autoscaler(w) == r {
				return ofRevision("horizontalpodautoscaler", w.revision)
			}
		case r.Namespace() == w.object.Namespace() && selects(textMap(dig(r.Data, "spec", "selector", "matchLabels")), w.podLabels()):
			return ofRevision("poddisruptionbudget", w.revision)
		}
	}
	return ""
}

// purpose of an AuthorizationPolicy: to deny, or to let the gateway or callers in.
func (s *scene) purpose(r *manifest.Resource) string {
	rules := items(dig(r.Data, "spec", "rules"))
	if len(rules) == 0 {
		return "deny"
	}
	for _, from := range items(dig(rules[0], "from")) {
		if len(texts(dig(from, "source", "namespaces"))) > 0 {
			return "gateway"
		}
	}
	if isGateway(r) {
		return "gateway"
	}
	return "callers"
}

// named is a copy of an object in which what leads to the model's pods is called by what it leads to: hosts, selectors
// and targets differ between input and tree by their names alone.
func (s *scene) named(r *manifest.Resource) map[string]any {
	data := manifest.DeepCopy(r.Data)
	spec := fields(data["spec"])
	if spec == nil {
		return data
	}
	switch r.Kind() {
	case "VirtualService":
		s.nameRoutes(r, spec)
	case "DestinationRule":
		if revision := s.revisionAt(r, text(spec["host"])); revision != "" {
			spec["host"] = "revision " + revision
		}
	case "HorizontalPodAutoscaler":
		if s.roleOfRevision(r) != "" {
			fields(spec["scaleTargetRef"])["name"] = "the model server"
		}
	case "Service", "PodDisruptionBudget", "PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy", "PodMonitor", "NetworkPolicy", "Sidecar":
		if s.role(r) != "" {
			for _, key := range []string{"selector", "podSelector", "workloadSelector"} {
				if spec[key] != nil {
					spec[key] = s.selected(r)
				}
			}
		}
	}
	return data
}

// selected names the pods that an object selects.
func (s *scene) selected(r *manifest.Resource) string {
	selector := fields(selectorOf(r))
	if selector["matchLabels"] == nil && r.Kind() == "Service" {
		selector = map[string]any{"matchLabels": selector}
	}
	var revisions []string
	for _, w := range s.workloads {
		if selects(textMap(selector["matchLabels"]), w.podLabels()) {
			revisions = append(revisions, w.revision)
		}
	}
	if len(selector) > 1 {
		return "pods by " + short(selector)
	}
	slices.Sort(revisions)
	return "pods of " + strings.Join(revisions, ", ")
}

// nameRoutes makes sets of hosts and gateways, and names rules by what they are for.
func (s *scene) nameRoutes(r *manifest.Resource, spec map[string]any) {
	for _, key := range []string{"hosts", "gateways"} {
		var named []any
		for _, name := range texts(spec[key]) {
			named = append(named, map[string]any{"name": qualified(key, name, r.Namespace())})
		}
		spec[key] = named
	}
	if s.route != r {
		return
	}
	rules := s.rules()
	seen := map[string]bool{}
	for i, rule := range items(spec["http"]) {
		name := rules[i].kind
		if name != "" && name != weightsRule {
			name += "-" + rules[i].revisions[0]
		}
		if name != "" && !seen[name] {
			fields(rule)["name"] = name
			seen[name] = true
		}
		routes := items(dig(rule, "route"))
		for j, route := range routes {
			if revision := rules[i].revisions[j]; revision != "" {
				fields(dig(route, "destination"))["host"] = "revision " + revision
			}
			if len(routes) == 1 && number(dig(route, "weight"), 100) == 100 {
				delete(fields(route), "weight")
			}
		}
	}
}

// qualified is a host or a gateway with its namespace.
func qualified(kind, name, namespace string) string {
	switch {
	case kind == "gateways" && name != meshGateway && !strings.Contains(name, "/"):
		return namespace + "/" + name
	case kind == "hosts" && !strings.Contains(name, "."):
		return name + "." + namespace + ".svc.cluster.local"
	}
	return name
}
