package suite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
)

// Dump writes objects, events, descriptions, the logs of every container and of the nodes (kubelet, containerd), and
// the configuration of every Envoy into a folder, as far as they can be had. Secrets are left out.
func (s *Suite) Dump(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil { // environment variables of pods are in it
		return err
	}
	errs := []error{s.tools.Logs(ctx, filepath.Join(dir, "nodes"))}
	if s.kubectl.Path == "" {
		return errors.Join(append(errs, errors.New("the cluster did not come up: there is no more than what its nodes said"))...)
	}
	keep := func(name string, args ...string) {
		out, err := s.kubectl.Run(ctx, append([]string{"--request-timeout=20s"}, args...)...)
		if err != nil {
			out += "\n" + err.Error()
		}
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), []byte(out), 0o600))
	}
	keep("nodes.txt", "describe", "nodes")
	keep("pods.txt", "get", "pods", "-A", "-o", "wide")
	keep("events.txt", "get", "events", "-A", "--sort-by=.lastTimestamp")
	keep("objects.yaml", "get", "-A", "-o", "yaml",
		"nodes,deployments,replicasets,services,endpointslices,pods,persistentvolumes,persistentvolumeclaims,"+
			"mutatingadmissionpolicies,mutatingadmissionpolicybindings,inferenceservices,servingruntimes,virtualservices,destinationrules,gateways.networking.istio.io,sidecars,"+
			"peerauthentications,authorizationpolicies,requestauthentications,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers")
	keep("flux.yaml", "get", "-A", "-o", "yaml", "--ignore-not-found", // an error's text where Flux was never installed
		"kustomizations.kustomize.toolkit.fluxcd.io,gitrepositories.source.toolkit.fluxcd.io,ocirepositories.source.toolkit.fluxcd.io")
	keep("gateway-api.yaml", "get", "-A", "-o", "yaml", // an error's text where no tree has wanted its CRDs
		"httproutes.gateway.networking.k8s.io,gateways.gateway.networking.k8s.io,gatewayclasses.gateway.networking.k8s.io")
	keep("keda.yaml", "get", "-A", "-o", "yaml", "scaledobjects.keda.sh") // an error's text where no tree has wanted its CRD
	pods, err := kubectl.Get[corev1.PodList](ctx, s.kubectl, "pods", "-A")
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, pod := range pods.Items {
		name := pod.Namespace + "-" + pod.Name
		keep(name+".log", "-n", pod.Namespace, "logs", pod.Name, "--all-containers", "--prefix", "--tail=2000")
		keep(name+"-previous.log", "-n", pod.Namespace, "logs", pod.Name, "--all-containers", "--prefix", "--previous", "--tail=500")
		if hasProxy(pod) {
			keep(name+"-envoy.json", "-n", pod.Namespace, "exec", pod.Name, "-c", "istio-proxy", "--", "curl", "-s", "127.0.0.1:15000/config_dump")
			keep(name+"-stats.txt", "-n", pod.Namespace, "exec", pod.Name, "-c", "istio-proxy", "--", "curl", "-s", "127.0.0.1:15000/stats")
		}
	}
	return errors.Join(errs...)
}

func hasProxy(pod corev1.Pod) bool {
	for _, status := range append(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses...) {
		if status.Name == "istio-proxy" && strings.Contains(status.Image, "proxyv2") {
			return true
		}
	}
	return false
}
