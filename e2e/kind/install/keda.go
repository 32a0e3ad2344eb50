package install

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
)

// KEDA is its operator, and what serves external metrics.
type KEDA struct {
	// Dir is where the files of its module are.
	Dir string
	// Operator and Adapter are the images.
	Operator, Adapter string
}

// kedaNamespace is that of KEDA's own manifests.
const kedaNamespace = "keda"

// KEDA installs it by the manifests of its module (config/default there), without its admission webhooks. The operator makes
// the certificates, in a Secret that it waits to find in its own pod.
func (i Installer) KEDA(ctx context.Context, k KEDA) error {
	objects, err := k.objects()
	if err != nil {
		return err
	}
	if err := i.namespaces(ctx, kedaNamespace); err != nil {
		return err
	}
	if err := i.inOrder(ctx, objects); err != nil {
		return err
	}
	for _, name := range []string{"keda-operator", "keda-metrics-apiserver"} {
		if err := i.rollout(ctx, kedaNamespace, "deployment/"+name); err != nil {
			return err
		}
	}
	_, err = i.Kubectl.Run(ctx, "wait", "--for=condition=Available", "apiservice/v1beta1.external.metrics.k8s.io", "--timeout="+patience.String())
	return err
}

// objects are the module's.
func (k KEDA) objects() ([]map[string]any, error) {
	var all []map[string]any
	for _, folder := range []string{"crd/bases", "rbac", "service_account", "manager", "metrics-server"} {
		objects, err := parseFiles(filepath.Join(k.Dir, "config", filepath.FromSlash(folder)), "*.yaml")
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	all = slices.DeleteFunc(all, func(o map[string]any) bool { return o["kind"] == "Kustomization" })
	for _, o := range all {
		if o["kind"] != "Deployment" {
			continue
		}
		if err := k.adapt(o); err != nil {
			return nil, fmt.Errorf("deployment %s of KEDA: %w", name(o), err)
		}
	}
	return all, nil
}

// adapt takes the images that were loaded. A pod is ready as soon as it is.
func (k KEDA) adapt(o map[string]any) error {
	image := k.Operator
	if name(o) == "keda-metrics-apiserver" {
		image = k.Adapter
	}
	return editDeployment(o, func(d *appsv1.Deployment) {
		container := place(d, image)
		container.Command = nil // the image's own
		container.Args = slices.DeleteFunc(container.Args, func(arg string) bool { return arg == "--leader-elect" })
		container.Resources.Limits = nil
		container.ReadinessProbe.InitialDelaySeconds, container.ReadinessProbe.PeriodSeconds = 0, 1
	})
}

// GatewayCollected is how often Prometheus collects the gateway.
const GatewayCollected = 5 * time.Second

// CollectGateway has Prometheus collect what the gateway's Envoy counts. The upstream Envoy lacks the filter that makes
// istio_requests_total (istio.stats), so its own count of the requests to a Service gets that name and the labels that it would have:
// answers that Envoy makes itself for want of a pod are in both (chargeUpstreamCode in its source/common/router/router.cc).
func (i Installer) CollectGateway(ctx context.Context, namespace string) error {
	o := object("monitoring.coreos.com/v1", "PodMonitor", namespace, "kservegen-e2e-gateway")
	const requests, live, classes = "envoy_cluster_upstream_rq_completed", "envoy_server_live", "envoy_cluster_upstream_rq"
	const counts = `outbound\|\d+\|[^|]*\|([^;]+);?`
	rename := func(target, value string) map[string]any {
		return map[string]any{
			"sourceLabels": []any{"__name__", "cluster_name"}, "separator": "/", "regex": requests + "/" + counts,
			"targetLabel": target, "replacement": value, "action": "replace",
		}
	}
	o["spec"] = map[string]any{
		"selector": map[string]any{"matchLabels": map[string]any{"istio": "ingressgateway"}},
		"podMetricsEndpoints": []any{map[string]any{
			"port": "http-envoy-prom", "path": "/stats/prometheus", "interval": GatewayCollected.String(),
			"metricRelabelings": []any{
				map[string]any{"sourceLabels": []any{"__name__"}, "regex": requests + "|" + live + "|" + classes, "action": "keep"},
				rename("destination_service", "$1"), rename("reporter", "source"), rename("__name__", "istio_requests_total"),
			},
		}},
	}
	fmt.Fprintf(i.Log, "supplied: istio_requests_total of the gateway, as Envoy's own %s: the upstream Envoy has no istio.stats\n", requests)
	return i.Kubectl.Apply(ctx, o)
}
