package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// WorkerLabel marks the nodes that models run on.
const WorkerLabel = "kservegen.dev/e2e-worker"

// ClientImage is a shell with curl.
const ClientImage = Registry + "/client:" + Tag

// Strangers is a namespace that no tree knows. In it, and in every namespace of a caller, run workloads that no
// tree lets in: one with a sidecar, so that it has an identity, and one without. The gateway's namespace has one
// without.
const (
	Strangers  = "strangers"
	Injected   = "injected"
	Uninjected = "uninjected"
)

// Supply gives the cluster what the tree takes for granted, and says so line by line.
func (i Installer) Supply(ctx context.Context, t *tree.Tree, definitions []map[string]any) error {
	needs := t.Needs()
	if len(definitions) > 0 {
		if err := i.inOrder(ctx, definitions); err != nil {
			return err
		}
	}
	if err := i.namespaces(ctx, append(needs.Namespaces, Strangers)...); err != nil {
		return err
	}
	if err := i.gateways(ctx, needs); err != nil {
		return err
	}
	if err := errors.Join(i.claims(ctx, needs.Claims), i.granted(ctx, needs.Granted), i.clients(ctx, needs, t.Chat)); err != nil {
		return err
	}
	if t.Host() == "" {
		if err := i.Entrance(ctx, needs.Callers[0], t.Inside()); err != nil {
			return err
		}
	}
	if needs.Device == "" {
		return nil
	}
	return i.Devices(ctx, Devices{
		Resource: needs.Device, Product: needs.Product, MemoryMiB: deviceMemoryMiB,
		// All replicas fit on one node, so that the other can be drained.
		Count: needs.Devices,
	})
}

// deviceMemoryMiB is what nvidia-smi says of an A10G. Nothing of the suite depends on it.
const deviceMemoryMiB = 23028

// Workers labels and taints the nodes without a control plane as the tree's affinity and tolerations ask, and puts each into a zone of
// its own where the tree names none.
func (i Installer) Workers(ctx context.Context, needs tree.Needs) error {
	workers, err := WorkerNames(ctx, i.Kubectl)
	if err != nil {
		return err
	}
	fmt.Fprintf(i.Log, "supplied: workers with the labels %v and the taints %v, each in a zone of its own where the tree names none\n", needs.Labels, needs.Taints)
	for n, worker := range workers {
		patch, err := json.Marshal(map[string]any{
			// What an earlier run that was cut off has left is undone: broken devices, a drained node.
			"metadata": map[string]any{"labels": workerLabels(needs, n), "annotations": map[string]any{"mock.kservegen.dev/unhealthy": nil}},
			"spec":     map[string]any{"taints": needs.Taints, "unschedulable": nil},
		})
		if err != nil {
			return err
		}
		if _, err := i.Kubectl.Run(ctx, "patch", "node", worker, "--type=merge", "-p", string(patch)); err != nil {
			return err
		}
	}
	return nil
}

// workerLabels are those of the nth worker.
func workerLabels(needs tree.Needs, n int) map[string]string {
	labels := map[string]string{corev1.LabelTopologyZone: fmt.Sprintf("zone-%c", 'a'+n)}
	maps.Copy(labels, needs.Labels)
	labels[WorkerLabel] = "true"
	return labels
}

// OpenControlPlane lets pods run on the control plane's node: the workers are the models' alone.
func (i Installer) OpenControlPlane(ctx context.Context) error {
	names, err := nodes(ctx, i.Kubectl, controlPlane)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := i.Kubectl.Run(ctx, "patch", "node", name, "--type=merge", "-p", `{"spec":{"taints":null}}`); err != nil {
			return err
		}
	}
	return nil
}

// controlPlane is the label of its node.
const controlPlane = "node-role.kubernetes.io/control-plane"

// WorkerNames are those of the nodes without a control plane.
func WorkerNames(ctx context.Context, k kubectl.Kubectl) ([]string, error) {
	return nodes(ctx, k, "!"+controlPlane)
}

// nodes are the names of those that a selector chooses.
func nodes(ctx context.Context, k kubectl.Kubectl, selector string) ([]string, error) {
	list, err := kubectl.Get[corev1.NodeList](ctx, k, "nodes", "-l", selector)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, node := range list.Items {
		names = append(names, node.Name)
	}
	slices.Sort(names)
	return names, nil
}

// clients are a pod with a sidecar for each caller that the tree names, and those that it doesn't let in.
func (i Installer) clients(ctx context.Context, needs tree.Needs, chat *tree.Chat) error {
	pods := slices.Clone(needs.Callers)
	for _, caller := range append(needs.Callers, Strangers+"/") {
		namespace, _, _ := strings.Cut(caller, "/")
		pods = append(pods, namespace+"/"+Injected, namespace+"/"+Uninjected)
	}
	pods = append(pods, needs.GatewayNamespace()+"/"+Uninjected, needs.Monitoring+"/"+Uninjected)
	if chat != nil { // where the page is, there may be others who want its rights
		pods = append(pods, chat.Deployment.Namespace+"/"+Injected, chat.Deployment.Namespace+"/"+Uninjected)
	}
	slices.Sort(pods)
	pods = slices.Compact(pods)
	var objects []map[string]any
	for _, pod := range pods {
		objects = append(objects, client(pod)...)
	}
	if err := i.Kubectl.Apply(ctx, objects...); err != nil {
		return err
	}
	for _, pod := range pods {
		namespace, name, _ := strings.Cut(pod, "/")
		if _, err := i.Kubectl.Run(ctx, "-n", namespace, "wait", "--for=condition=Ready", "pod/"+name, "--timeout="+patience.String()); err != nil {
			return err
		}
	}
	return nil
}

// client is a pod with curl and a service account of its own.
func client(path string) []map[string]any {
	namespace, account, _ := strings.Cut(path, "/")
	pod := object("v1", "Pod", namespace, account)
	pod["metadata"].(map[string]any)["labels"] = map[string]any{
		"app": account, "sidecar.istio.io/inject": fmt.Sprint(account != Uninjected),
	}
	pod["spec"] = map[string]any{
		"serviceAccountName": account, "terminationGracePeriodSeconds": 1,
		"nodeSelector": map[string]any{controlPlane: ""},
		"containers":   []any{map[string]any{"name": "client", "image": ClientImage, "imagePullPolicy": "IfNotPresent"}},
	}
	return []map[string]any{object("v1", "ServiceAccount", namespace, account), pod}
}
