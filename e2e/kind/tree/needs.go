package tree

import (
	"maps"
	"slices"
	"strings"

	security "istio.io/api/security/v1beta1"
	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Needs is what a tree takes for granted in its cluster.
type Needs struct {
	// Images of the model servers.
	Images []string
	// Page is the image of the chat's page; empty where there is none.
	Page string
	// Device is the extended resource of the accelerator, empty where the model runs on CPUs; Devices is how many
	// all replicas take together.
	Device  string
	Devices int
	// Labels of the nodes that the model may run on, and Taints that it tolerates.
	Labels map[string]string
	Taints []corev1.Taint
	// Product is the accelerator's name as the vendor's feature discovery labels it.
	Product string
	// Gateways are those that the route names and the tree does not bring, as namespace/name. GatewayAPI says that they
	// are those of the Gateway API, and not Istio's.
	Gateways   []string
	GatewayAPI bool
	// GatewayIdentity is namespace/name of the service account by which the tree knows the gateway.
	GatewayIdentity string
	// Callers are the service accounts of the mesh that may call, as namespace/name.
	Callers []string
	// Monitoring is the namespace whose Prometheus may scrape.
	Monitoring string
	// Namespaces of the tree's objects, callers, gateways and monitoring.
	Namespaces []string
	// Kinds are the tree's custom resources.
	Kinds []schema.GroupKind
	// Claims are those of the tree and those that it names, Granted what else its pods name and it does not bring.
	Claims  []Claim
	Granted []Granted
}

// Needs reads what the tree takes for granted.
func (t *Tree) Needs() Needs {
	n := Needs{Labels: map[string]string{}, Monitoring: t.monitoring(), GatewayAPI: t.Route.Kind == httpRoute}
	for _, service := range t.Services {
		pod := service.Spec.Predictor
		replicas := Replicas(service)
		for _, container := range t.containers(service) {
			n.device(container.Resources, replicas)
			if container.Image != "" {
				n.Images = append(n.Images, container.Image)
			}
		}
		n.place(pod.NodeSelector, pod.Affinity, pod.Tolerations)
	}
	n.mesh(t)
	n.chat(t)
	for _, object := range t.Objects {
		n.object(object)
	}
	n.granted(t)
	n.Namespaces = append(n.Namespaces, n.Monitoring)
	for _, list := range []*[]string{&n.Images, &n.Gateways, &n.Callers, &n.Namespaces} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return n
}

// device adds up what the replicas take of an extended resource.
func (n *Needs) device(resources corev1.ResourceRequirements, replicas int) {
	for name, quantity := range resources.Limits {
		if extended(name) {
			n.Device = string(name)
			n.Devices += int(quantity.Value()) * replicas
		}
	}
}

// productLabel is the one of NVIDIA's GPU feature discovery.
const productLabel = "nvidia.com/gpu.product"

// place labels nodes so that one term of the affinity holds: the one that asks for what feature discovery says,
// where there is one, since the mock says the same; else the first.
func (n *Needs) place(selector map[string]string, affinity *corev1.Affinity, tolerations []corev1.Toleration) {
	maps.Copy(n.Labels, selector)
	if affinity != nil && affinity.NodeAffinity != nil && affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		terms := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
		chosen := slices.IndexFunc(terms, func(term corev1.NodeSelectorTerm) bool {
			return slices.ContainsFunc(term.MatchExpressions, func(e corev1.NodeSelectorRequirement) bool { return e.Key == productLabel })
		})
		if len(terms) > 0 {
			maps.Copy(n.Labels, labelsFor(terms[max(chosen, 0)]))
		}
	}
	n.Product = n.Labels[productLabel]
	for _, toleration := range tolerations {
		// The node controller's own taints mean that a node is broken.
		if toleration.Key == "" || strings.HasPrefix(toleration.Key, "node.kubernetes.io/") {
			continue
		}
		taint := corev1.Taint{Key: toleration.Key, Value: toleration.Value, Effect: toleration.Effect}
		if taint.Effect == "" {
			taint.Effect = corev1.TaintEffectNoSchedule
		}
		if !slices.Contains(n.Taints, taint) {
			n.Taints = append(n.Taints, taint)
		}
	}
}

// labelsFor are labels with which a term holds.
func labelsFor(term corev1.NodeSelectorTerm) map[string]string {
	labels := map[string]string{}
	for _, e := range term.MatchExpressions {
		switch e.Operator {
		case corev1.NodeSelectorOpIn:
			labels[e.Key] = e.Values[0]
		case corev1.NodeSelectorOpExists:
			labels[e.Key] = "true"
		case corev1.NodeSelectorOpGt:
			labels[e.Key] = e.Values[0] + "0"
		case corev1.NodeSelectorOpLt:
			labels[e.Key] = "0"
		case corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpDoesNotExist: // hold where the label is missing
		}
	}
	return labels
}

// mesh reads who comes in: gateways and callers.
func (n *Needs) mesh(t *Tree) {
	own := map[string]bool{}
	for _, object := range t.Objects {
		if object["kind"] == "Gateway" {
			own[path(object)] = true
		}
	}
	for _, gateway := range t.Route.Gateways {
		namespace, _, _ := strings.Cut(gateway, "/")
		n.Namespaces = append(n.Namespaces, namespace)
		if !own[gateway] {
			n.Gateways = append(n.Gateways, gateway)
		}
	}
	for _, policy := range t.Policies {
		if policy.Spec.Action != security.AuthorizationPolicy_ALLOW {
			continue // whom it names is refused, or only noted
		}
		for _, rule := range policy.Spec.Rules {
			for _, from := range rule.From {
				for _, principal := range from.Source.GetPrincipals() {
					if caller, ok := account(principal); ok {
						n.Callers = append(n.Callers, caller)
					}
				}
			}
		}
	}
	n.gateway()
	for _, caller := range n.Callers {
		namespace, _, _ := strings.Cut(caller, "/")
		n.Namespaces = append(n.Namespaces, namespace)
	}
}

// chat reads the page. It calls the model as itself: no other pod stands in for it.
func (n *Needs) chat(t *Tree) {
	if t.Chat == nil {
		return
	}
	n.Page = t.Chat.Image()
	n.Callers = slices.DeleteFunc(n.Callers, func(caller string) bool { return caller == t.Chat.Account() })
}

// gateway finds the gateway's identity: a caller in the namespace of the Gateways, or else the name that Istio's
// chart gives.
func (n *Needs) gateway() {
	namespace := "istio-ingress"
	if len(n.Namespaces) > 0 {
		namespace = n.Namespaces[0]
	}
	n.GatewayIdentity = namespace + "/istio-ingressgateway"
	n.Namespaces = append(n.Namespaces, namespace)
	for i, caller := range n.Callers {
		if strings.HasPrefix(caller, namespace+"/") {
			n.GatewayIdentity = caller
			n.Callers = slices.Delete(n.Callers, i, i+1)
			return
		}
	}
}

// LetsScrape says that a rule of a NetworkPolicy is about the port of the metrics.
func LetsScrape(rule networking.NetworkPolicyIngressRule) bool {
	return slices.ContainsFunc(rule.Ports, func(p networking.NetworkPolicyPort) bool {
		return p.Port != nil && p.Port.IntValue() == spec.MetricsPort
	})
}

// monitoring is the first namespace that a NetworkPolicy lets scrape. Where none is named it is that of kube-prometheus.
func (t *Tree) monitoring() string {
	for _, policy := range t.Networks {
		for _, rule := range policy.Spec.Ingress {
			if !LetsScrape(rule) {
				continue
			}
			for _, from := range rule.From {
				if from.NamespaceSelector != nil && from.NamespaceSelector.MatchLabels[corev1.LabelMetadataName] != "" {
					return from.NamespaceSelector.MatchLabels[corev1.LabelMetadataName]
				}
			}
		}
	}
	return "monitoring"
}

// GatewayNamespace is where the gateway runs.
func (n Needs) GatewayNamespace() string {
	namespace, _, _ := strings.Cut(n.GatewayIdentity, "/")
	return namespace
}

// account returns namespace/name of a principal as cluster.local/ns/NAMESPACE/sa/NAME.
func account(principal string) (string, bool) {
	parts := strings.Split(principal, "/")
	if len(parts) != 5 || parts[1] != "ns" || parts[3] != "sa" || strings.Contains(principal, "*") {
		return "", false
	}
	return parts[2] + "/" + parts[4], true
}

// object notes the namespace and, for a custom resource, the kind.
func (n *Needs) object(object map[string]any) {
	version, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	namespace, _, _ := strings.Cut(path(object), "/")
	if namespace != "" {
		n.Namespaces = append(n.Namespaces, namespace)
	}
	group, _, found := strings.Cut(version, "/")
	custom := schema.GroupKind{Group: group, Kind: kind}
	if found && strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") && !slices.Contains(n.Kinds, custom) {
		n.Kinds = append(n.Kinds, custom)
	}
}

// path is namespace/name.
func path(object map[string]any) string {
	meta, _ := object["metadata"].(map[string]any)
	namespace, _ := meta["namespace"].(string)
	name, _ := meta["name"].(string)
	return namespace + "/" + name
}
