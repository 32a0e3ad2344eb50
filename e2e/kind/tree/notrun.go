package tree

import (
	"fmt"
	"slices"
	"strings"

	kservebeta "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Mocked is the extended resource whose devices a cluster of the suite has.
const Mocked = "nvidia.com/gpu"

// NotRun says why a cluster of the suite can prove nothing about the tree; empty where it can run it. All reasons
// are named, so that nobody mends one to find the next.
func (t *Tree) NotRun() string {
	if len(t.Services) == 0 || t.routes != 1 {
		return fmt.Sprintf("it has %d InferenceServices and %d VirtualServices: the suite runs one model, whose revisions are behind one VirtualService",
			len(t.Services), t.routes)
	}
	var reasons []string
	for _, service := range t.Services {
		reasons = append(reasons, t.notServed(service)...)
	}
	for _, device := range t.devices() {
		if device != Mocked {
			reasons = append(reasons, fmt.Sprintf("it asks for %s, and only %s is mocked", device, Mocked))
		}
	}
	for _, tokens := range t.Tokens {
		for _, rule := range tokens.Spec.GetJwtRules() {
			reasons = append(reasons, fmt.Sprintf("it checks tokens of %s, which the suite cannot issue", rule.GetIssuer()))
		}
	}
	for _, object := range t.Objects {
		if object["kind"] == "PersistentVolume" {
			reasons = append(reasons, fmt.Sprintf("it brings the PersistentVolume %s, whose storage is not here", strings.TrimPrefix(path(object), "/")))
		}
	}
	reasons = append(reasons, t.noWayIn()...)
	slices.Sort(reasons)
	return strings.Join(slices.Compact(reasons), "; ")
}

// notServed says why a revision would not come up.
func (t *Tree) notServed(service kservebeta.InferenceService) []string {
	var reasons []string
	if service.Namespace == "" {
		reasons = append(reasons, service.Name+" has no namespace")
	}
	pod := service.Spec.Predictor
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
	if t.Host() == "" {
		if t.Inside() == "" || len(t.Needs().Callers) == 0 {
			return []string{"it has no host at a gateway and lets no workload of the mesh in by name"}
		}
		return nil
	}
	for _, object := range t.Objects {
		if object["kind"] != "Gateway" || !slices.Contains(t.gateways(), path(object)) {
			continue
		}
		var gateway istio.Gateway
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &gateway); err != nil || !plain(&gateway) {
			return []string{fmt.Sprintf("its Gateway %s has no server for plain HTTP, and certificates are the platform's", path(object))}
		}
	}
	return nil
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
