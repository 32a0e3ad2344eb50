package suite

import (
	"context"

	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/tools"
)

// scaling brings what autoscalers ask into the cluster, once in a run: Prometheus by its operator, and prometheus-adapter. They
// are built and loaded for the cases that need them only.
func (s *Suite) scaling(ctx context.Context) error {
	if s.scalingRuns {
		return nil
	}
	if err := s.tools.Add(ctx, tools.Scaling); err != nil {
		return err
	}
	err := s.tools.Phase("Prometheus and its adapter", func() error {
		prometheus, adapter, images, err := s.metrics(ctx)
		if err != nil {
			return err
		}
		if err := s.cluster.Load(ctx, images...); err != nil {
			return err
		}
		if err := s.installer().Prometheus(ctx, prometheus); err != nil {
			return err
		}
		return s.installer().Adapter(ctx, adapter)
	})
	s.scalingRuns = err == nil
	return err
}

// metrics are Prometheus and the adapter with their images.
func (s *Suite) metrics(ctx context.Context) (p install.Prometheus, a install.Adapter, images []image.Image, err error) {
	operator, err := s.pack(ctx, "prometheus-operator", "github.com/prometheus-operator/prometheus-operator", "prometheus-operator")
	if err != nil {
		return p, a, nil, err
	}
	reloader, err := s.pack(ctx, "prometheus-operator", "github.com/prometheus-operator/prometheus-operator", "prometheus-config-reloader")
	if err != nil {
		return p, a, nil, err
	}
	server, err := s.pack(ctx, "prometheus", "github.com/prometheus/prometheus", "prometheus")
	if err != nil {
		return p, a, nil, err
	}
	adapter, err := s.pack(ctx, "adapter", "sigs.k8s.io/prometheus-adapter", "prometheus-adapter")
	if err != nil {
		return p, a, nil, err
	}
	rules, err := s.adapterRules(ctx)
	namespace := s.tree.Needs().Monitoring
	return install.Prometheus{Namespace: namespace, Dir: operator.dir, Operator: operator.image.Name, Reloader: reloader.image.Name, Server: server.image.Name},
		install.Adapter{Namespace: namespace, Dir: adapter.dir, Image: adapter.image.Name, Rules: rules},
		[]image.Image{operator.image, reloader.image, server.image, adapter.image}, err
}

// adapterRules are those that prometheus-adapter has where nobody writes others, as its own program says.
func (s *Suite) adapterRules(ctx context.Context) (string, error) {
	program, err := s.tools.Tool("prometheus-adapter-rules")
	if err != nil {
		return "", err
	}
	rules, err := tools.Command(ctx, program).Output()
	return string(rules), err
}
