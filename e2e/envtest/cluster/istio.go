package cluster

import (
	"context"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// IstioNamespace is the root namespace of the mesh.
const IstioNamespace = "istio-system"

// startIstio returns the address of istiod's webhooks. Nothing connects to it: it injects no sidecar, has no
// certificate authority and serves no proxy.
func (c *Cluster) startIstio(ctx context.Context, kubeconfig string) (string, error) {
	if err := c.createNamespace(ctx, IstioNamespace); err != nil {
		return "", err
	}
	addresses, err := freeAddresses(4)
	if err != nil {
		return "", err
	}
	webhook, plain, control := addresses[0], addresses[1], addresses[2]
	env := []string{
		"HOME=" + c.options.Dir, "POD_NAMESPACE=" + IstioNamespace, "POD_NAME=istiod", "CLUSTER_ID=Kubernetes",
		"INJECT_ENABLED=false", "ENABLE_CA_SERVER=false", "ENABLE_LEADER_ELECTION=false",
		// The harness writes the configuration of the webhook itself.
		"VALIDATION_WEBHOOK_CONFIG_NAME=", "INJECTION_WEBHOOK_CONFIG_NAME=",
		"PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER=false",
	}
	args := []string{
		"discovery", "--kubeconfig=" + kubeconfig, "--domain=cluster.local",
		"--meshConfig=" + filepath.Join(c.options.Dir, "no-mesh-config"), // its defaults
		"--httpsAddr=" + webhook, "--httpAddr=" + plain, "--monitoringAddr=" + addresses[3],
		"--grpcAddr=", "--secureGRPCAddr=", "--ctrlz_port=" + port(control),
		"--tlsCertFile=" + c.certificates.certFile, "--tlsKeyFile=" + c.certificates.keyFile,
		"--caCertFile=" + c.certificates.authorityFile,
	}
	trusting, err := c.trusting()
	if err != nil {
		return "", err
	}
	return webhook, c.run(ctx, "pilot-discovery", env, args, ready(trusting, "https://"+webhook+"/ready"))
}

// configureIstio has the server ask istiod, by the rules of the chart
// manifests/charts/base/templates/defaultrevision-validatingwebhookconfiguration.yaml.
func (c *Cluster) configureIstio(ctx context.Context, address string) error {
	rule := map[string]any{
		"operations":  []any{"CREATE", "UPDATE"},
		"apiGroups":   []any{"security.istio.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io"},
		"apiVersions": []any{"*"}, "resources": []any{"*"},
	}
	_, err := c.API.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
		"metadata": map[string]any{"name": "istiod-default-validator"},
		"webhooks": []any{map[string]any{
			"name": "validation.istio.io", "rules": []any{rule}, "failurePolicy": "Fail", "sideEffects": "None",
			"admissionReviewVersions": []any{"v1"}, "clientConfig": c.clientConfig("https://" + address + "/validate"),
		}},
	}})
	return err
}
