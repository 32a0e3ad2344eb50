// Package install puts into a cluster what a platform team has in theirs: Istio with a gateway, KServe in Standard
// mode, device plugins, and what a given tree takes for granted.
package install

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
)

// Registry is in front of the images that the suite makes under names of its own; Tag is theirs.
const (
	Registry = "localhost/kservegen"
	Tag      = "e2e"
)

// Ports of the control plane's node that lead to the gateway.
const GatewayNodePort = 30080

//go:embed gateway.yaml
var gatewayYAML []byte

//go:embed requests.yaml
var requestsYAML []byte

// Installer puts things into one cluster.
type Installer struct {
	Kubectl kubectl.Kubectl
	// OnNode runs a command on a node, as root.
	OnNode func(ctx context.Context, node string, command ...string) (string, error)
	// Log gets a line of what it supplies.
	Log io.Writer
}

// Gateway is Istio's, with the identity by which a tree knows it: namespace/name of its service account.
func (i Installer) Gateway(ctx context.Context, identity string) error {
	namespace, account, _ := strings.Cut(identity, "/")
	if err := i.namespaces(ctx, namespace); err != nil {
		return err
	}
	objects, err := parse(gatewayYAML)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := unstructured.SetNestedField(o, namespace, "metadata", "namespace"); err != nil {
			return err
		}
		if o["kind"] == "Deployment" {
			if err := unstructured.SetNestedField(o, account, "spec", "template", "spec", "serviceAccountName"); err != nil {
				return err
			}
		}
	}
	if err := i.Kubectl.Apply(ctx, append(objects, object("v1", "ServiceAccount", namespace, account))...); err != nil {
		return err
	}
	return i.rollout(ctx, namespace, "deployment/istio-ingressgateway")
}

// Requests lowers what pods of InferenceServices ask for, and keeps them from pulling images that the nodes have.
func (i Installer) Requests(ctx context.Context) error {
	fmt.Fprintln(i.Log, "supplied: an admission policy that lowers the requests for CPU, memory and disk of model pods and takes the images that the nodes have")
	policy, err := parse(requestsYAML)
	if err != nil {
		return err
	}
	if err := i.Kubectl.Apply(ctx, policy...); err != nil {
		return err
	}
	return i.lowered(ctx)
}

// lowered waits until the API server applies the admission policy: a pod made earlier would wait for a GPU server's
// memory.
func (i Installer) lowered(ctx context.Context) error {
	pod := object("v1", "Pod", "default", "request")
	pod["metadata"].(map[string]any)["labels"] = map[string]any{"serving.kserve.io/inferenceservice": "request"}
	pod["spec"] = map[string]any{"containers": []any{map[string]any{
		"name": "c", "image": ClientImage, "imagePullPolicy": "Always", "resources": map[string]any{"requests": map[string]any{"memory": "1Ti"}},
	}}}
	content, err := json.Marshal(pod)
	if err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		out, err := i.Kubectl.Send(ctx, bytes.NewReader(content), "create", "--dry-run=server", "-o", "json", "-f", "-")
		if err != nil {
			return false, err
		}
		return !strings.Contains(out, "1Ti") && !strings.Contains(out, `"imagePullPolicy": "Always"`), nil
	})
}

// rollout waits until a workload's pods are available.
func (i Installer) rollout(ctx context.Context, namespace, workload string) error {
	_, err := i.Kubectl.Run(ctx, "-n", namespace, "rollout", "status", workload, "--timeout="+patience.String())
	return err
}

// patience is how long one part of an installation may take: many times what it takes on two cores.
const patience = 3 * time.Minute

func (i Installer) namespaces(ctx context.Context, names ...string) error {
	var objects []map[string]any
	for _, name := range names {
		objects = append(objects, object("v1", "Namespace", "", name))
	}
	return i.Kubectl.Apply(ctx, objects...)
}

// object is the head of one.
func object(version, kind, namespace, name string) map[string]any {
	meta := map[string]any{"name": name}
	if namespace != "" {
		meta["namespace"] = namespace
	}
	return map[string]any{"apiVersion": version, "kind": kind, "metadata": meta}
}
