package install

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Prometheus is one that the operator runs.
type Prometheus struct {
	// Namespace is where it runs: the one that a tree lets scrape.
	Namespace string
	// Dir is where the files of the operator's module are.
	Dir string
	// Operator, Reloader and Server are the images of the operator, of what gives the server its configuration, and of
	// the server.
	Operator, Reloader, Server string
}

// PrometheusName is that of the only Prometheus; prometheusService is the operator's own for all that it runs.
const PrometheusName, prometheusService = "kservegen-e2e", "prometheus-operated"

// Prometheus installs the operator by the manifests of its module, and a Prometheus that takes the PodMonitors of all
// namespaces.
func (i Installer) Prometheus(ctx context.Context, p Prometheus) error {
	objects, err := p.objects()
	if err != nil {
		return err
	}
	if err := i.inOrder(ctx, objects); err != nil {
		return err
	}
	if err := i.rollout(ctx, p.Namespace, "deployment/prometheus-operator"); err != nil {
		return err
	}
	if err := i.Kubectl.Apply(ctx, p.server()); err != nil {
		return err
	}
	_, err = i.Kubectl.Run(ctx, "-n", p.Namespace, "wait", "--for=condition=Available", "prometheus/"+PrometheusName, "--timeout="+patience.String())
	return err
}

// objects are the operator's, with the definitions of what one Prometheus reads: it does without those of the rest.
func (p Prometheus) objects() ([]map[string]any, error) {
	example := filepath.Join(p.Dir, "example")
	var all []map[string]any
	for _, pattern := range []string{
		"prometheus-operator-crd/monitoring.coreos.com_p*.yaml",
		"prometheus-operator-crd/monitoring.coreos.com_s*.yaml",
		"rbac/prometheus-operator/*.yaml", "rbac/prometheus/prometheus-*.yaml",
	} {
		objects, err := parseFiles(example, pattern)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	all = slices.DeleteFunc(all, func(o map[string]any) bool {
		return o["kind"] == "ServiceMonitor" || name(o) == "prometheusagents.monitoring.coreos.com"
	})
	for _, o := range all {
		if err := p.adapt(o); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// adapt moves an object of the examples into the namespace.
func (p Prometheus) adapt(o map[string]any) error {
	switch o["kind"] {
	case "ClusterRoleBinding":
		subjects, _ := o["subjects"].([]any)
		for _, entry := range subjects {
			subject, _ := entry.(map[string]any)
			subject["namespace"] = p.Namespace
		}
		return nil
	case "Deployment":
		if err := p.adaptOperator(o); err != nil {
			return err
		}
	case "Service", "ServiceAccount":
	default:
		return nil
	}
	return unstructured.SetNestedField(o, p.Namespace, "metadata", "namespace")
}

// adaptOperator takes the images that were loaded. Nobody asks for the kubelets' metrics.
func (p Prometheus) adaptOperator(o map[string]any) error {
	return editDeployment(o, func(d *appsv1.Deployment) {
		container := place(d, p.Operator)
		container.Resources.Limits = nil // 200m CPU would make it late
		container.Args = slices.DeleteFunc(container.Args, func(arg string) bool { return strings.HasPrefix(arg, "--kubelet-") })
		setFlags(container, map[string]string{"--prometheus-config-reloader": p.Reloader})
	})
}

// server is a Prometheus that takes what it finds. It runs as the account of the operator's examples.
func (p Prometheus) server() map[string]any {
	o := object("monitoring.coreos.com/v1", "Prometheus", p.Namespace, PrometheusName)
	o["spec"] = map[string]any{
		"image": p.Server, "imagePullPolicy": string(corev1.PullIfNotPresent), "replicas": int64(1),
		"serviceAccountName": "prometheus", "nodeSelector": map[string]any{controlPlane: ""},
		"podMonitorSelector": map[string]any{}, "podMonitorNamespaceSelector": map[string]any{},
	}
	return o
}
