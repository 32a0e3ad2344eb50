package install

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Adapter serves what Prometheus knows to autoscalers, as custom metrics.
type Adapter struct {
	// Namespace is that of Prometheus.
	Namespace string
	// Dir is where the files of its module are, Image what it runs, Rules its configuration.
	Dir, Image, Rules string
}

// adapterName is that of all its objects.
const adapterName = "prometheus-adapter"

// CustomMetrics is the API that it serves, as GROUP/VERSION, and CustomMetricsService the APIService for it.
const (
	CustomMetrics        = customMetricsGroup + "/" + customMetricsVersion
	CustomMetricsService = customMetricsVersion + "." + customMetricsGroup

	customMetricsGroup, customMetricsVersion = "custom.metrics.k8s.io", "v1beta1"
)

// Adapter installs prometheus-adapter by the manifests of its module. Those serve the use of CPU and memory
// (metrics.k8s.io), which is nobody's question here; what custom metrics need instead is what its chart has
// (prometheus-community's templates for custom-metrics).
func (i Installer) Adapter(ctx context.Context, a Adapter) error {
	objects, err := a.objects()
	if err != nil {
		return err
	}
	if err := i.inOrder(ctx, append(objects, a.service(), a.role())); err != nil {
		return err
	}
	if err := i.rollout(ctx, a.Namespace, "deployment/"+adapterName); err != nil {
		return err
	}
	_, err = i.Kubectl.Run(ctx, "wait", "--for=condition=Available", "apiservice/"+CustomMetricsService, "--timeout="+patience.String())
	return err
}

// objects are the module's.
func (a Adapter) objects() ([]map[string]any, error) {
	all, err := parseFiles(filepath.Join(a.Dir, "deploy", "manifests"), "*.yaml")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(o map[string]any) bool {
		// One replica needs no budget.
		return o["kind"] == "APIService" || o["kind"] == "PodDisruptionBudget"
	})
	for _, o := range all {
		if err := a.move(o); err != nil {
			return nil, fmt.Errorf("%s %s of %s: %w", o["kind"], name(o), adapterName, err)
		}
		switch o["kind"] {
		case "ConfigMap":
			o["data"] = map[string]any{"config.yaml": a.Rules}
		case "Deployment":
			if err := a.adaptDeployment(o); err != nil {
				return nil, fmt.Errorf("deployment of %s: %w", adapterName, err)
			}
		}
	}
	return all, nil
}

// move puts an object of the manifests into the namespace: theirs is "monitoring", beside "kube-system" for one.
func (a Adapter) move(o map[string]any) error {
	subjects, _ := o["subjects"].([]any)
	for _, entry := range subjects {
		if subject, _ := entry.(map[string]any); subject["name"] == adapterName {
			subject["namespace"] = a.Namespace
		}
	}
	if namespace, _, _ := unstructured.NestedString(o, "metadata", "namespace"); namespace != "monitoring" {
		return nil
	}
	return unstructured.SetNestedField(o, a.Namespace, "metadata", "namespace")
}

// adaptDeployment takes the image that was loaded, and asks the Prometheus that is there. It looks for new series as often as
// a PodMonitor of ours scrapes.
func (a Adapter) adaptDeployment(o map[string]any) error {
	own := map[string]string{
		"--prometheus-url":          fmt.Sprintf("http://%s.%s.svc:9090/", prometheusService, a.Namespace),
		"--metrics-relist-interval": "15s",
	}
	return editDeployment(o, func(d *appsv1.Deployment) {
		one := int32(1)
		d.Spec.Replicas = &one
		container := place(d, a.Image)
		container.ReadinessProbe.InitialDelaySeconds = 0 // ready as soon as it is
		container.ReadinessProbe.PeriodSeconds = 1
		setFlags(container, own)
	})
}

// service tells the API server who serves custom metrics. It makes its certificate itself.
func (a Adapter) service() map[string]any {
	o := object("apiregistration.k8s.io/v1", "APIService", "", CustomMetricsService)
	o["spec"] = map[string]any{
		"group": customMetricsGroup, "version": customMetricsVersion,
		"groupPriorityMinimum": int64(100), "versionPriority": int64(100), "insecureSkipTLSVerify": true,
		"service": map[string]any{"namespace": a.Namespace, "name": adapterName},
	}
	return o
}

// role is what the module's binding for the HorizontalPodAutoscaler's controller names.
func (a Adapter) role() map[string]any {
	o := object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "custom-metrics-server-resources")
	o["rules"] = []any{map[string]any{"apiGroups": []any{customMetricsGroup}, "resources": []any{"*"}, "verbs": []any{"*"}}}
	return o
}
