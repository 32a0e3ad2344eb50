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
	if err := s.prometheus(ctx); err != nil {
		return err
	}
	const adapter = "prometheus-adapter"
	programs := []program{{name: adapter, folder: "adapter", module: "sigs.k8s.io/prometheus-adapter"}}
	return s.extra(ctx, tools.Scaling, "Prometheus' adapter", programs, func(all map[string]packed) error {
		rules, err := s.adapterRules(ctx)
		if err != nil {
			return err
		}
		return s.installer().Adapter(ctx, install.Adapter{
			Namespace: s.tree.Needs().Monitoring, Dir: all[adapter].dir, Image: all[adapter].image.Name, Rules: rules,
		})
	})
}

// prometheus brings it into the cluster, by its operator.
func (s *Suite) prometheus(ctx context.Context) error {
	const (
		operator, reloader, server = "prometheus-operator", "prometheus-config-reloader", "prometheus"
		operatorModule             = "github.com/prometheus-operator/prometheus-operator"
	)
	programs := []program{
		{name: operator, folder: operator, module: operatorModule},
		{name: reloader, folder: operator, module: operatorModule},
		{name: server, folder: server, module: "github.com/prometheus/prometheus"},
	}
	return s.extra(ctx, tools.Scaling, "Prometheus", programs, func(all map[string]packed) error {
		return s.installer().Prometheus(ctx, install.Prometheus{
			Namespace: s.tree.Needs().Monitoring, Dir: all[operator].dir,
			Operator: all[operator].image.Name, Reloader: all[reloader].image.Name, Server: all[server].image.Name,
		})
	})
}

// collected brings a Prometheus that knows the gateway, too.
func (s *Suite) collected(ctx context.Context) error {
	if err := s.prometheus(ctx); err != nil {
		return err
	}
	return s.installer().CollectGateway(ctx, s.tree.Needs().GatewayNamespace())
}

// keda brings KEDA into the cluster, with the Prometheus that it asks and what that knows of the gateway.
func (s *Suite) keda(ctx context.Context) error {
	if err := s.collected(ctx); err != nil {
		return err
	}
	const operator, adapter, module = "keda-operator", "keda-adapter", "github.com/kedacore/keda/v2"
	programs := []program{{name: operator, folder: "keda", module: module}, {name: adapter, folder: "keda", module: module}}
	return s.extra(ctx, tools.KEDA, "KEDA", programs, func(all map[string]packed) error {
		return s.installer().KEDA(ctx, install.KEDA{Dir: all[operator].dir, Operator: all[operator].image.Name, Adapter: all[adapter].image.Name})
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
