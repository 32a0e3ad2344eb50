package suite

import (
	"bytes"
	"context"
	"fmt"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/tools"
)

// scaling brings what autoscalers ask into the cluster: Prometheus by its operator, and prometheus-adapter.
func (s *Suite) scaling(ctx context.Context) error {
	const (
		operator, reloader, server, adapter = "prometheus-operator", "prometheus-config-reloader", "prometheus", "prometheus-adapter"
		operatorModule                      = "github.com/prometheus-operator/prometheus-operator"
	)
	programs := []program{
		{name: operator, folder: operator, module: operatorModule},
		{name: reloader, folder: operator, module: operatorModule},
		{name: server, folder: server, module: "github.com/prometheus/prometheus"},
		{name: adapter, folder: "adapter", module: "sigs.k8s.io/prometheus-adapter"},
	}
	return s.extra(ctx, tools.Scaling, "Prometheus and its adapter", programs, func(all map[string]packed) error {
		namespace := s.tree.Needs().Monitoring
		if err := s.installer().Prometheus(ctx, install.Prometheus{
			Namespace: namespace, Dir: all[operator].dir,
			Operator: all[operator].image.Name, Reloader: all[reloader].image.Name, Server: all[server].image.Name,
		}); err != nil {
			return err
		}
		rules, err := s.adapterRules(ctx)
		if err != nil {
			return err
		}
		return s.installer().Adapter(ctx, install.Adapter{Namespace: namespace, Dir: all[adapter].dir, Image: all[adapter].image.Name, Rules: rules})
	})
}

// adapterRules are those that prometheus-adapter has where nobody writes others, as its own program says.
func (s *Suite) adapterRules(ctx context.Context) (string, error) {
	program, err := s.tools.Tool("prometheus-adapter-rules")
	if err != nil {
		return "", err
	}
	var rules, said bytes.Buffer
	cmd := tools.Command(ctx, program)
	cmd.Stdout, cmd.Stderr = &rules, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", program, err, said.String())
	}
	return rules.String(), nil
}
