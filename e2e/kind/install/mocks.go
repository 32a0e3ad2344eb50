package install

import (
	"context"
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// RestartMocks replaces every pod that runs a mock: a new one has the name of the old one, so that nothing else tells
// the kubelet. It returns when no old one is left.
func (i Installer) RestartMocks(ctx context.Context, t *tree.Tree) error {
	fmt.Fprintln(i.Log, "the mocks have changed since this cluster got them: restarting the pods that run them")
	needs := t.Needs()
	var workloads []string
	if needs.Device != "" {
		workloads = append(workloads, "kube-system/daemonset/"+deviceName)
	}
	if t.Host() == "" {
		namespace, _, _ := strings.Cut(needs.Callers[0], "/")
		workloads = append(workloads, namespace+"/deployment/"+Entrance)
	}
	for _, path := range workloads {
		namespace, workload, _ := strings.Cut(path, "/")
		if _, err := i.Kubectl.Run(ctx, "-n", namespace, "rollout", "restart", workload); err != nil {
			return err
		}
		if err := i.rollout(ctx, namespace, workload); err != nil {
			return err
		}
	}
	if err := i.restartChat(ctx, t.Chat); err != nil {
		return err
	}
	// KServe would take a restart's annotation away again from its Deployments.
	_, err := i.Kubectl.Run(ctx, "delete", "pods", "-A", "-l", "serving.kserve.io/inferenceservice", "--timeout=8m")
	return err
}
