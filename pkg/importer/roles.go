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
		if s.ofPage(r) {
			role = pageRole + "/" + strings.ToLower(r.Kind())
		}
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

// roleOfExtension is that of the script that writes users' buckets.
func (s *scene) roleOfExtension(r *manifest.Resource) string {
	if header, _, _ := s.bucketOf(r); header != "" {
		return "bucketwriter"
	}
	return ""
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
		return s.roleOfService(r)
	case "Deployment":
		if s.holdsNodes(r) {
			return "spare"
		}
	case "ConfigMap":
		return s.roleOfConfigMap(r)
	case "VirtualService":
		return s.roleOfVirtualService(r)
	case "TrafficExtension":
		return s.roleOfExtension(r)
	case "ResourceQuota":
		if s.quotaOf(r) != nil {
			return "resourcequota"
		}
	case "HTTPRoute":
		return s.roleOfHTTPRoute(r)
	case "DestinationRule":
		return ofRevision("destinationrule", s.revisionAt(r, text(dig(r.Data, "spec", "host"))))
	case "HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget":
		return s.roleOfRevision(r)
	case "AuthorizationPolicy":
		if action := text(dig(r.Data, "spec", "action")); s.selectsUs(r) && (action == "" || action == "ALLOW") {
			return "authorizationpolicy/" + s.purpose(r)
		}
	case "PersistentVolume", "Job", "StorageClass", "ExternalSecret", "VolumeSnapshot", "VolumeSnapshotContent", "LocalModelCache", "LocalModelNodeGroup":
		return s.roleOfStorage(r)
	case "PeerAuthentication", "RequestAuthentication", "PodMonitor", "NetworkPolicy", "Sidecar", "SecurityGroupPolicy":
		if role := s.roleOfStorage(r); role != "" {
			return role
		}
		if s.selectsUs(&manifest.Resource{Data: map[string]any{"metadata": r.Data["metadata"], "spec": map[string]any{"selector": selectorOf(r)}}}) {
			return strings.ToLower(r.Kind())
		}
	case "GitRepository", "OCIRepository", "Kustomization", "Application":
		return s.roleOfSync(r)
	case "PrometheusRule":
		if s.aboutUs(r) {
			return "prometheusrule"
		}
	case "Gateway":
		if s.gateway() == r.Namespace()+"/"+r.Name() && isHTTPRoute(s.route) == (group(*r) == gatewayGroup) {
			return "gateway"
		}
	}
	return ""
}

func (s *scene) roleOfConfigMap(r *manifest.Resource) string {
	switch {
	case s.adapts(r):
		return "adapterrules"
	case s.isDashboard(r):
		return "dashboard"
	}
	return ""
}

func (s *scene) roleOfService(r *manifest.Resource) string {
	if s.balances(r) {
		return "loadbalancer"
	}
	for _, w := range s.workloads {
		if w.isPredictor(r) {
			return ofRevision("predictor", w.revision)
		}
	}
	if s.serviceOf(s.workloads...) == r {
		return "service"
	}
	return ""
}

func (s *scene) roleOfVirtualService(r *manifest.Resource) string {
	switch {
	case s.route == r:
		return "virtualservice"
	case s.listed(r):
		return "modellist/" + strings.Join(texts(dig(r.Data, "spec", "hosts")), " ")
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
		case r.Kind() == "ScaledObject":
			if s.scaledObject(w) == r {
				return ofRevision("scaledobject", w.revision)
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
// and targets differ between input and tree by their names alone. What stands elsewhere in the copy is told with it.
func (s *scene) named(r *manifest.Resource) (map[string]any, moves) {
	data, moved := manifest.DeepCopy(r.Data), moves{}
	spec := fields(data["spec"])
	if spec == nil {
		return data, moved
	}
	switch r.Kind() {
	case "VirtualService":
		s.nameVirtualService(r, spec, moved)
	case "HTTPRoute":
		s.nameHTTPRoute(r, spec, moved)
	case "Kustomization":
		s.nameSync(r, spec)
	case "Gateway":
		if group(*r) == gatewayGroup {
			nameListeners(spec, moved)
		}
	case "DestinationRule":
		if revision := s.revisionAt(r, text(spec["host"])); revision != "" {
			spec["host"] = revisionName(revision)
		}
	case "HorizontalPodAutoscaler":
		if s.roleOfRevision(r) != "" {
			fields(spec["scaleTargetRef"])["name"] = "the model server"
		}
	case "ScaledObject":
		if s.roleOfRevision(r) != "" {
			nameScaledObject(spec)
		}
	case "Service", "PodDisruptionBudget", "PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy", "PodMonitor", "NetworkPolicy", "Sidecar", "SecurityGroupPolicy":
		s.nameSelectors(r, spec)
	}
	return data, moved
}

// nameSelectors names what an object of the model selects. A load balancer selects the gateway's pods.
func (s *scene) nameSelectors(r *manifest.Resource, spec map[string]any) {
	if role := s.role(r); role == "" || role == "loadbalancer" {
		return
	}
	for _, key := range []string{"selector", "podSelector", "workloadSelector"} {
		if spec[key] != nil {
			spec[key] = s.selected(r)
		}
	}
}

// moves say where a place of a named copy is in the object.
type moves map[string]string

// back is the pointer of the object for one of the copy.
func (m moves) back(pointer string) string {
	longest := ""
	for place := range m {
		if (pointer == place || strings.HasPrefix(pointer, place+"/")) && len(place) > len(longest) {
			longest = place
		}
	}
	if longest == "" {
		return pointer
	}
	return m[longest] + strings.TrimPrefix(pointer, longest)
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
