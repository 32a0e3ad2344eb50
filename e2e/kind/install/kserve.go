package install

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
)

// kserveNamespace is that of KServe's release manifests.
const kserveNamespace = "kserve"

// KServe installs the release whose module lies in the folder, with what an installation for Deployments and
// Istio changes: Standard mode, and no way in but the trees' VirtualServices. There is no cert-manager, so that
// the webhooks get a certificate of the suite's.
func (i Installer) KServe(ctx context.Context, dir, version string) error {
	content, err := os.ReadFile(filepath.Join(dir, "install", version, "kserve.yaml"))
	if err != nil {
		return err
	}
	objects, err := parse(content)
	if err != nil {
		return err
	}
	if err = i.namespaces(ctx, kserveNamespace); err != nil {
		return err
	}
	cert, err := i.webhookCertificate(ctx)
	if err != nil {
		return err
	}
	var first, late []map[string]any
	for _, o := range objects {
		if !wanted(o) {
			continue
		}
		if err := adapt(o, cert); err != nil {
			return fmt.Errorf("%s %s: %w", o["kind"], name(o), err)
		}
		if strings.HasSuffix(o["kind"].(string), "WebhookConfiguration") || group(o) == "serving.kserve.io" {
			late = append(late, o)
		} else {
			first = append(first, o)
		}
	}
	if err := i.inOrder(ctx, first); err != nil {
		return err
	}
	// The server asks the webhooks only when someone answers, or it would refuse what the manager needs to start.
	if err := i.rollout(ctx, kserveNamespace, "deployment/kserve-controller-manager"); err != nil {
		return err
	}
	return i.Kubectl.Apply(ctx, late...)
}

// webhookCertificate is the one that the cluster has, or a new one: a manager that runs would go on with the old
// one for a minute.
func (i Installer) webhookCertificate(ctx context.Context) (certificate, error) {
	const name = "kserve-webhook-server-cert"
	kept, err := kubectl.Get[corev1.SecretList](ctx, i.Kubectl, "secrets", "-n", kserveNamespace, "--field-selector=metadata.name="+name)
	if err != nil {
		return certificate{}, err
	}
	if len(kept.Items) > 0 {
		data := kept.Items[0].Data
		return certificate{certificate: data[corev1.TLSCertKey], key: data[corev1.TLSPrivateKeyKey]}, nil
	}
	cert, err := selfSigned("kserve-webhook-server-service.kserve.svc")
	if err != nil {
		return certificate{}, err
	}
	secret := object("v1", "Secret", kserveNamespace, name)
	secret["type"] = string(corev1.SecretTypeTLS)
	secret["data"] = map[string]any{corev1.TLSCertKey: encode(cert.certificate), corev1.TLSPrivateKeyKey: encode(cert.key)}
	return cert, i.Kubectl.Apply(ctx, secret)
}

func encode(content []byte) string { return base64.StdEncoding.EncodeToString(content) }

// wanted leaves out what programs of their own serve, LLMInferenceService and local models, and what needs
// cert-manager.
func wanted(o map[string]any) bool {
	kind, _ := o["kind"].(string)
	for _, part := range []string{"llmisvc", "localmodel", "llminference"} {
		if strings.Contains(name(o), part) {
			return false
		}
	}
	return kind != "Certificate" && kind != "Issuer"
}

// adapt changes an object of the release for this cluster.
func adapt(o map[string]any, cert certificate) error {
	kind, _ := o["kind"].(string)
	switch {
	case kind == "CustomResourceDefinition":
		unstructured.RemoveNestedField(o, "spec", "conversion")
	case strings.HasSuffix(kind, "WebhookConfiguration"):
		webhooks, _ := o["webhooks"].([]any)
		for _, entry := range webhooks {
			webhook, _ := entry.(map[string]any)
			if err := unstructured.SetNestedField(webhook, encode(cert.certificate), "clientConfig", "caBundle"); err != nil {
				return err
			}
		}
	case kind == "ConfigMap" && name(o) == "inferenceservice-config":
		if err := setJSON(o, "deploy", "defaultDeploymentMode", "Standard"); err != nil {
			return err
		}
		return setJSON(o, "ingress", "disableIngressCreation", true)
	case kind == "Deployment":
		return adaptManager(o)
	}
	return nil
}

// adaptManager takes the image that was loaded, and leaves out the proxy in front of its metrics, which is another
// project's image.
func adaptManager(o map[string]any) error {
	return editDeployment(o, func(d *appsv1.Deployment) {
		pod := &d.Spec.Template.Spec
		var kept []corev1.Container
		for _, container := range pod.Containers {
			if container.Name != "manager" {
				continue
			}
			container.ImagePullPolicy = corev1.PullIfNotPresent
			container.Resources.Limits[corev1.ResourceCPU] = resource.MustParse("1") // 100m would make it late
			// Ready as soon as it is, not half a minute later.
			container.ReadinessProbe.InitialDelaySeconds, container.ReadinessProbe.PeriodSeconds = 1, 1
			kept = append(kept, container)
		}
		pod.Containers = kept
		pod.NodeSelector = map[string]string{controlPlane: ""} // not on a worker, which a case drains
	})
}

// setJSON sets a field of an object that a ConfigMap holds as text.
func setJSON(config map[string]any, key, field string, value any) error {
	text, _, err := unstructured.NestedString(config, "data", key)
	if err != nil {
		return err
	}
	content := map[string]any{}
	if err = json.Unmarshal([]byte(text), &content); err != nil {
		return fmt.Errorf("%s of ConfigMap %s: %w", key, name(config), err)
	}
	content[field] = value
	changed, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return unstructured.SetNestedField(config, string(changed), "data", key)
}
