package cases

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/pkg/spec"
)

// network: the NetworkPolicies, enforced by the nodes.
func network() Case {
	return Case{Name: "network", Checks: []Check{
		{Name: "stranger", Run: strangerShutOut},
		{Name: "metrics", Run: metricsShut},
		{Name: "egress", Run: goesNowhere},
	}}
}

// withoutNetworkPolicies deletes them.
func withoutNetworkPolicies(ctx context.Context, e *Env) error {
	if err := e.deletePolicies(ctx); err != nil {
		return err
	}
	return untilViolated(ctx, e, "a stranger's packets to arrive", strangerShutOut)
}

func (e *Env) deletePolicies(ctx context.Context) error {
	_, err := e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "delete", "networkpolicy", "--all")
	return err
}

// strangerShutOut: from a namespace that the tree doesn't name no packet arrives, neither at the server's port nor
// at the sidecar's.
func strangerShutOut(ctx context.Context, e *Env) error {
	return e.dropped(ctx, install.Strangers+"/"+install.Uninjected, int(e.serverPort()), spec.MetricsPort)
}

// metricsShut: who may call may not read metrics.
func metricsShut(ctx context.Context, e *Env) error {
	return e.dropped(ctx, e.plainClient(), spec.MetricsPort)
}

// has says whether the tree has an object of the kind.
func (e *Env) has(kind string) bool { return len(e.objects(kind)) > 0 }

// objects are those of a kind in the tree.
func (e *Env) objects(kind string) []map[string]any {
	return slices.DeleteFunc(slices.Clone(e.Tree.Objects), func(object map[string]any) bool { return object["kind"] != kind })
}

// dropped sends to ports of a model's pod and gets no answer at all, not even a refusal.
func (e *Env) dropped(ctx context.Context, client string, ports ...int) error {
	if !e.has("NetworkPolicy") {
		return lacks("no NetworkPolicy")
	}
	found, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	// All at a time: each takes as long as a client waits.
	asked, ctx := errgroup.WithContext(ctx)
	for _, pod := range found {
		for _, port := range ports {
			asked.Go(func() error { return e.unreachable(ctx, client, pod, port) })
		}
	}
	if err := asked.Wait(); err != nil {
		return err
	}
	e.Figure("%s: no packet arrives at the ports %v of %d pods", client, ports, len(found))
	return nil
}

// unreachable wants no connection.
func (e *Env) unreachable(ctx context.Context, client string, pod corev1.Pod, port int) error {
	got, err := e.curl(ctx, client, fmt.Sprintf("http://%s:%d/", pod.Status.PodIP, port))
	if err == nil && !got.dropped() {
		return violated("%s reached port %d of pod %s: %s", client, port, pod.Name, got)
	}
	return err
}

// dropped says that nothing came back, not even a refusal.
func (c curled) dropped() bool { return c.status == 0 && !c.connected && c.exit == curlTimeout }

// goesNowhere: the model's pods reach istiod, and not what the policies don't name: the gateway.
func goesNowhere(ctx context.Context, e *Env) error {
	if !e.has("NetworkPolicy") {
		return lacks("no NetworkPolicy")
	}
	gateways, err := kubectl.Get[corev1.PodList](ctx, e.Kubectl, "pods", "-n", e.GatewayNamespace, "-l", "istio=ingressgateway")
	if err != nil {
		return err
	}
	found, err := e.modelPods(ctx, "")
	if err != nil {
		return err
	}
	asked, ctx := errgroup.WithContext(ctx)
	for _, pod := range found {
		for _, gateway := range gateways.Items {
			asked.Go(func() error { return e.shutIn(ctx, pod, gateway.Status.PodIP) })
		}
	}
	if err := asked.Wait(); err != nil {
		return err
	}
	e.Figure("%d model pods reach istiod, and not the gateway", len(found))
	return nil
}

// shutIn asks from a model's pod, as the sidecar's own user, whose packets no sidecar catches.
func (e *Env) shutIn(ctx context.Context, pod corev1.Pod, gateway string) error {
	from := pod.Namespace + "/" + pod.Name
	// A busy machine resolves a name too late now and then.
	if err := eventually(ctx, "pod "+pod.Name+" to reach istiod", func(ctx context.Context) error {
		allowed, err := e.curlIn(ctx, from, "istio-proxy", "http://istiod.istio-system:15012/")
		if err == nil && !allowed.connected {
			err = violated("pod %s does not reach istiod: %s", pod.Name, allowed)
		}
		return err
	}); err != nil {
		return err
	}
	got, err := e.curlIn(ctx, from, "istio-proxy", fmt.Sprintf("http://%s:8080/", gateway))
	if err == nil && !got.dropped() {
		return violated("pod %s reached the gateway: %s", pod.Name, got)
	}
	return err
}
