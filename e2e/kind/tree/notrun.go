package tree

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	kservebeta "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Mocked is the extended resource for which a cluster of the suite has devices and a server.
const Mocked = "nvidia.com/gpu"

// NotRun says why a cluster of the suite can prove nothing about the tree; empty where it can run it. All reasons
// are named, so that nobody mends one to find the next.
func (t *Tree) NotRun() string {
	if reason := t.notOne(); reason != "" {
		// What another program of KServe's serves, or another release routes, lacks something of the tree for that reason.
		if others := slices.Compact(append(t.foreign(), t.routedByKServe()...)); len(others) > 0 {
			return strings.Join(others, "; ")
		}
		return reason
	}
	var reasons []string
	for _, service := range t.Services {
		reasons = append(reasons, t.notServed(service)...)
	}
	for _, device := range t.devices() {
		if device != Mocked {
			reasons = append(reasons, fmt.Sprintf("it asks for %s: the device can be mocked, and its server's image is not", device))
		}
	}
	if t.Chat != nil && strings.Contains(t.Chat.Image(), "@") {
		reasons = append(reasons, fmt.Sprintf("its page names the image %s by its digest, which one that is built here cannot have", t.Chat.Image()))
	}
	for _, tokens := range t.Tokens {
		for _, rule := range tokens.Spec.GetJwtRules() {
			reasons = append(reasons, fmt.Sprintf("it checks tokens of %s, which the suite cannot issue", rule.GetIssuer()))
		}
	}
	for _, object := range t.Objects {
		if kind := object["kind"]; kind == "PersistentVolume" || kind == "VolumeSnapshotContent" {
			reasons = append(reasons, fmt.Sprintf("it brings the %s %s, whose storage is not here", kind, strings.TrimPrefix(path(object), "/")))
		}
	}
	reasons = append(reasons, t.noWayIn()...)
	reasons = append(reasons, t.placedApart()...)
	reasons = append(reasons, t.foreign()...)
	slices.Sort(reasons)
	return strings.Join(slices.Compact(reasons), "; ")
}

// notOne says why the tree is not one model behind one route.
func (t *Tree) notOne() string {
	if len(t.httpRoutes) == 0 {
		if len(t.Services) == 0 || len(t.virtualServices) != 1 {
			return fmt.Sprintf("it has %d InferenceServices and %d VirtualServices: the suite runs one model, whose revisions are behind one VirtualService",
				len(t.Services), len(t.virtualServices))
		}
		return ""
	}
	outside, inside := t.httpRoutesBy()
	if len(t.Services) == 0 || len(t.virtualServices) > 0 || len(outside) != 1 || len(inside) > 1 {
		return fmt.Sprintf("it has %d InferenceServices, %d VirtualServices, %d HTTPRoutes at a Gateway and %d on a Service: "+
			"the suite runs one model, whose revisions are behind one VirtualService, or behind one HTTPRoute at a Gateway and one on a Service",
			len(t.Services), len(t.virtualServices), len(outside), len(inside))
	}
	return ""
}

// notServed says why a revision would not come up.
func (t *Tree) notServed(service kservebeta.InferenceService) []string {
	var reasons []string
	if service.Namespace == "" {
		reasons = append(reasons, service.Name+" has no namespace")
	}
	pod := service.Spec.Predictor
	if pod.SchedulerName != "" && pod.SchedulerName != corev1.DefaultSchedulerName {
		reasons = append(reasons, fmt.Sprintf("%s waits for the scheduler %s, which is not here", service.Name, pod.SchedulerName))
	}
	if pod.Model != nil && pod.Model.StorageURI != nil && strings.HasPrefix(*pod.Model.StorageURI, "oci://") {
		reasons = append(reasons, fmt.Sprintf("%s has its weights in the image %s, which is not here", service.Name, *pod.Model.StorageURI))
	}
	if group := service.Annotations[constants.NodeGroupAnnotationKey]; group != "" {
		reasons = append(reasons, fmt.Sprintf("%s has its weights on the nodes of %s, and the controller of local models is not installed", service.Name, group))
	}
	for _, container := range t.containers(service) {
		if strings.Contains(container.Image, "@") {
			reasons = append(reasons, fmt.Sprintf("%s names the image %s by its digest, which a mock cannot have", service.Name, container.Image))
		}
	}
	if pod.WorkerSpec != nil {
		reasons = append(reasons, service.Name+" runs on several nodes, of which the suite mocks no network of devices")
	}
	mode := constants.DeploymentModeType(service.Annotations[constants.DeploymentMode])
	if !slices.Contains([]constants.DeploymentModeType{"", constants.Standard, constants.LegacyRawDeployment}, mode) {
		reasons = append(reasons, fmt.Sprintf("%s is for KServe's mode %s, and the suite has no more than Standard", service.Name, mode))
	}
	if pod.Model != nil {
		name := ""
		if pod.Model.Runtime != nil {
			name = *pod.Model.Runtime
		}
		if _, ok := t.Runtimes[name]; !ok {
			reasons = append(reasons, fmt.Sprintf("%s runs by the ServingRuntime %q, which the tree does not bring", service.Name, name))
		}
	}
	return reasons
}

// devices are the extended resources that any container asks for.
func (t *Tree) devices() []string {
	var names []string
	for _, service := range t.Services {
		for _, container := range t.containers(service) {
			for name := range container.Resources.Limits {
				if extended(name) {
					names = append(names, string(name))
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// extended says that a resource is a device plugin's.
func extended(name corev1.ResourceName) bool { return strings.Contains(string(name), "/") }

// noWayIn says why nobody could ask the model.
func (t *Tree) noWayIn() []string {
	if t.Route.Kind == httpRoute {
		return t.notAttached()
	}
	if t.Host() == "" {
		if t.Inside() == "" || len(t.Needs().Callers) == 0 {
			return []string{"it has no host at a gateway and lets no workload of the mesh in by name"}
		}
		return nil
	}
	for _, object := range t.Objects {
		if object["kind"] != "Gateway" || !slices.Contains(t.Route.Gateways, path(object)) {
			continue
		}
		var gateway istio.Gateway
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &gateway); err != nil || !plain(&gateway) {
			return []string{fmt.Sprintf("its Gateway %s has no server for plain HTTP, and certificates are the platform's", path(object))}
		}
	}
	return nil
}

// notAttached says why the HTTPRoute at a gateway would not be asked by its host at the Gateway that the suite makes.
func (t *Tree) notAttached() []string {
	var reasons []string
	if t.Host() == "" {
		reasons = append(reasons, "its HTTPRoute at a Gateway names no host")
	}
	outside, _ := t.httpRoutesBy()
	for _, parent := range outside[0].Spec.ParentRefs {
		if refersTo(parent) == "Gateway" && (parent.SectionName != nil || parent.Port != nil) {
			reasons = append(reasons, fmt.Sprintf("its HTTPRoute is for one listener of the Gateway %s, and the suite's Gateway has one of its own", parent.Name))
		}
	}
	for _, object := range t.Objects {
		if object["kind"] == "Gateway" {
			reasons = append(reasons, fmt.Sprintf("it brings the Gateway %s, for which istiod would make a Deployment that the suite has no way to", path(object)))
		}
	}
	return reasons
}

// plain says that a Gateway answers HTTP with more than a redirect.
func plain(gateway *istio.Gateway) bool {
	for _, server := range gateway.Spec.GetServers() {
		if server.GetPort().GetProtocol() == "HTTP" && !server.GetTls().GetHttpsRedirect() {
			return true
		}
	}
	return false
}

// placedApart says which label of nodes the revisions want with different values: the workers are alike, so that a
// drain of one moves everything to the other.
func (t *Tree) placedApart() []string {
	var reasons []string
	all := map[string]string{}
	for _, service := range t.Services {
		n := Needs{Labels: map[string]string{}}
		n.place(service.Spec.Predictor.NodeSelector, service.Spec.Predictor.Affinity, nil)
		for _, label := range slices.Sorted(maps.Keys(n.Labels)) {
			value := n.Labels[label]
			if other, found := all[label]; found && other != value {
				reasons = append(reasons, fmt.Sprintf("its revisions want nodes with %s=%s and %s=%s, and the suite's workers are alike", label, other, label, value))
			}
			all[label] = value
		}
	}
	return reasons
}

// routedByKServe says which revisions are to get requests by routes that KServe makes, and weights in a release after the
// suite's.
func (t *Tree) routedByKServe() []string {
	var reasons []string
	for _, service := range t.Services {
		if service.Spec.Predictor.Name != "" {
			reasons = append(reasons, fmt.Sprintf("it leaves the routes of %s to KServe, and the suite's release weights no canary (kserve#5912)", service.Name))
		}
	}
	return reasons
}

// foreign says which of KServe's kinds are for programs beside its manager, which the suite leaves out.
func (t *Tree) foreign() []string {
	var reasons []string
	for _, object := range t.Objects {
		version, _ := object["apiVersion"].(string)
		kind, _ := object["kind"].(string)
		group, _, _ := strings.Cut(version, "/")
		if group == constants.KServeAPIGroupName && (strings.HasPrefix(kind, "LLMInference") || strings.HasPrefix(kind, "LocalModel")) {
			reasons = append(reasons, fmt.Sprintf("it has a %s, whose controller is not installed", kind))
		}
	}
	return reasons
}
