package cluster

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/kservegen/kservegen/e2e/tools"
)

// StartKarpenter runs Karpenter with its kwok provider, whose instances are Node objects and nothing else, of the types in a
// file. Pods that no scheduler could place make it create nodes; nobody but the caller runs a scheduler or a kubelet.
func (c *Cluster) StartKarpenter(ctx context.Context, instanceTypes string) error {
	module, err := tools.Download(ctx, filepath.Join(c.options.Root, "e2e", "tools", "karpenter"), "sigs.k8s.io/karpenter")
	if err != nil {
		return err
	}
	definitions, err := readObjects(filepath.Join(module.Dir, "kwok", "apis", "crds", "karpenter.kwok.sh_kwoknodeclasses.yaml"), isDefinition)
	if err != nil {
		return err
	}
	if err = installDefinitions(ctx, c.API, definitions); err != nil {
		return err
	}
	kubeconfig, err := writeKubeconfig(c.options.Dir, c.Config)
	if err != nil {
		return err
	}
	addresses, err := freeAddresses(2)
	if err != nil {
		return err
	}
	env := []string{
		"KUBECONFIG=" + kubeconfig, "DISABLE_LEADER_ELECTION=true", "SYSTEM_NAMESPACE=kube-system",
		"HEALTH_PROBE_PORT=" + port(addresses[0]), "METRICS_PORT=" + port(addresses[1]),
		"INSTANCE_TYPES_FILE_PATH=" + instanceTypes,
		// The pods of a case are one batch, on a busy machine, too.
		"BATCH_IDLE_DURATION=3s", "BATCH_MAX_DURATION=10s",
	}
	return c.run(ctx, "karpenter-kwok", env, nil, ready(http.DefaultClient, "http://"+addresses[0]+"/readyz"))
}
