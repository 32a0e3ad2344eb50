package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kservegen/kservegen/e2e/tools"
)

// KServeNamespace is where KServe looks for its configuration.
const KServeNamespace = "kserve"

// kserveManifests are what an installation brings besides its program.
type kserveManifests struct {
	config *unstructured.Unstructured
	// webhooks are those that the manager serves.
	webhooks []*unstructured.Unstructured
	// resources are the default storage container and the runtimes of the release.
	resources []*unstructured.Unstructured
}

// readKServe reads the release manifests of the version that the manager is built from.
func readKServe(ctx context.Context, root string) (kserveManifests, error) {
	var manifests kserveManifests
	m, err := tools.Download(ctx, filepath.Join(root, "e2e", "tools", "kserve"), "github.com/kserve/kserve")
	if err != nil {
		return manifests, err
	}
	dir := filepath.Join(m.Dir, "install", m.Version)
	objects, err := readObjects(filepath.Join(dir, "kserve.yaml"), servedByManager)
	if err != nil {
		return manifests, err
	}
	for _, object := range objects {
		switch object.GetKind() {
		case "ConfigMap":
			manifests.config = object
		case "ClusterStorageContainer":
			manifests.resources = append(manifests.resources, object)
		default:
			manifests.webhooks = append(manifests.webhooks, object)
		}
	}
	if manifests.config == nil || len(manifests.webhooks) == 0 {
		return manifests, fmt.Errorf("%s has no configuration or no webhooks", dir)
	}
	runtimes, err := readObjects(filepath.Join(dir, "kserve-cluster-resources.yaml"), func(kind, _ string) bool {
		return kind == "ClusterServingRuntime"
	})
	manifests.resources = append(manifests.resources, runtimes...)
	return manifests, err
}

// servedByManager leaves out the webhooks of LLMInferenceService and of local models, which are served by
// programs of their own.
func servedByManager(kind, name string) bool {
	if strings.HasPrefix(name, "llm") || strings.HasPrefix(name, "localmodel") {
		return false
	}
	switch kind {
	case "ConfigMap", "ClusterStorageContainer", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
		return true
	}
	return false
}

// startKServe returns the address of the webhooks.
func (c *Cluster) startKServe(ctx context.Context, kubeconfig string, manifests kserveManifests) (string, error) {
	config := manifests.config.DeepCopy()
	if err := standardMode(config); err != nil {
		return "", err
	}
	if err := c.createNamespace(ctx, KServeNamespace); err != nil {
		return "", err
	}
	if _, err := c.API.Create(ctx, config); err != nil {
		return "", err
	}
	temporary, err := c.servingCertificates()
	if err != nil {
		return "", err
	}
	addresses, err := freeAddresses(2)
	if err != nil {
		return "", err
	}
	webhook, probe := addresses[0], addresses[1]
	env := []string{"KUBECONFIG=" + kubeconfig, "POD_NAMESPACE=" + KServeNamespace, "TMPDIR=" + temporary}
	args := []string{"--metrics-addr=0", "--webhook-port=" + port(webhook), "--health-probe-addr=" + probe}
	return webhook, c.run(ctx, "kserve-manager", env, args, ready(http.DefaultClient, "http://"+probe+"/readyz"))
}

// servingCertificates returns a folder for temporary files in which controller-runtime finds the server's
// certificate: the manager has no flag for it.
func (c *Cluster) servingCertificates() (string, error) {
	temporary := filepath.Join(c.options.Dir, "kserve")
	dir := filepath.Join(temporary, "k8s-webhook-server", "serving-certs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, file := range []string{c.certificates.certFile, c.certificates.keyFile} {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o600); err != nil {
			return "", err
		}
	}
	return temporary, nil
}

// standardMode changes what an installation for Deployments and Istio changes in the shipped configuration:
// no Knative, and no way in but the VirtualServices of the trees.
func standardMode(config *unstructured.Unstructured) error {
	if err := setJSON(config, "deploy", "defaultDeploymentMode", "Standard"); err != nil {
		return err
	}
	return setJSON(config, "ingress", "disableIngressCreation", true)
}

// setJSON sets a field of an object that a ConfigMap holds as text.
func setJSON(config *unstructured.Unstructured, key, field string, value any) error {
	text, _, err := unstructured.NestedString(config.Object, "data", key)
	if err != nil {
		return err
	}
	content := map[string]any{}
	if err = json.Unmarshal([]byte(text), &content); err != nil {
		return fmt.Errorf("%s of ConfigMap %s: %w", key, config.GetName(), err)
	}
	content[field] = value
	changed, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return unstructured.SetNestedField(config.Object, string(changed), "data", key)
}

// configureKServe has the server ask the manager, and then makes what an installation makes.
func (c *Cluster) configureKServe(ctx context.Context, address string, manifests kserveManifests) error {
	for _, configuration := range manifests.webhooks {
		if err := c.pointTo(configuration, "https://"+address); err != nil {
			return err
		}
		if _, err := c.API.Create(ctx, configuration); err != nil {
			return err
		}
	}
	for _, resource := range manifests.resources {
		if _, err := c.API.Create(ctx, resource); err != nil {
			return err
		}
	}
	return nil
}

// pointTo replaces the Service in front of the webhooks by a URL.
func (c *Cluster) pointTo(configuration *unstructured.Unstructured, url string) error {
	webhooks, _, err := unstructured.NestedSlice(configuration.Object, "webhooks")
	if err != nil {
		return err
	}
	for _, entry := range webhooks {
		webhook, _ := entry.(map[string]any)
		path, _, err := unstructured.NestedString(webhook, "clientConfig", "service", "path")
		if err != nil {
			return err
		}
		webhook["clientConfig"] = c.clientConfig(url + path)
	}
	return unstructured.SetNestedSlice(configuration.Object, webhooks, "webhooks")
}

// clientConfig is how the server reaches a webhook of this cluster.
func (c *Cluster) clientConfig(url string) map[string]any {
	return map[string]any{"url": url, "caBundle": base64.StdEncoding.EncodeToString(c.certificates.authority)}
}

func (c *Cluster) createNamespace(ctx context.Context, name string) error {
	_, err := c.API.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}})
	return err
}
