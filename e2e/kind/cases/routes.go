package cases

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// step applies the tree with other weights, by the lines of traffic.yaml that a person would change, and waits
// until the Envoy at the entrance has them.
func (e *Env) step(ctx context.Context, shares tree.Shares) error {
	moved, err := e.moved(shares)
	if err != nil {
		return err
	}
	return e.applyMoved(ctx, moved, shares)
}

// moved is a copy of the tree with other weights, for applyMoved.
func (e *Env) moved(shares tree.Shares) (*tree.Tree, error) {
	copied, err := e.copied(e.Temporary())
	if err != nil {
		return nil, err
	}
	_, err = copied.Shift(shares)
	return copied, err
}

// applyMoved applies a tree whose weights were moved, and waits until the Envoy at the entrance has them.
func (e *Env) applyMoved(ctx context.Context, moved *tree.Tree, shares tree.Shares) error {
	if err := e.Apply(ctx, moved.Dir); err != nil {
		return err
	}
	return e.routed(ctx, shares)
}

// copied is a copy of the tree in an empty folder.
func (e *Env) copied(dir string) (*tree.Tree, error) {
	copied, err := e.Tree.Copy(dir)
	if errors.Is(err, tree.ErrNotRendered) {
		return nil, lacks("no kservegen.lock: which lines move its weights is not known")
	}
	return copied, err
}

// mend applies the tree as it is.
func (e *Env) mend(ctx context.Context) error {
	if err := errors.Join(e.Apply(ctx, e.Tree.Dir), e.awake(ctx)); err != nil {
		return err
	}
	return e.routed(ctx, e.Tree.Shares())
}

// routed waits until the Envoy at the entrance shares requests like this.
func (e *Env) routed(ctx context.Context, shares tree.Shares) error {
	if len(shares) == 0 {
		return nil // one revision has no weights
	}
	want := maps.Clone(shares)
	maps.DeleteFunc(want, func(_ string, share int) bool { return share == 0 })
	return eventually(ctx, fmt.Sprintf("the entrance to have the weights %v", shares), func(ctx context.Context) error {
		have, err := e.envoyShares(ctx)
		if err == nil && !maps.Equal(have, want) {
			err = fmt.Errorf("it has %v", have)
		}
		return err
	})
}

// routeDump is the part of Envoy's config dump that says where requests go (envoy.admin.v3.RoutesConfigDump).
type routeDump struct {
	Configs []struct {
		RouteConfig struct {
			VirtualHosts []struct {
				Domains []string
				Routes  []envoyRoute
			} `json:"virtual_hosts"`
		} `json:"route_config"`
	}
}

// envoyRoute is one rule.
type envoyRoute struct {
	Name  string
	Match struct{ Headers []any }
	Route struct {
		Cluster          string
		WeightedClusters struct {
			Clusters []struct {
				Name   string
				Weight int
			}
		} `json:"weighted_clusters"`
		Mirrors []mirrorPolicy `json:"request_mirror_policies"`
	}
}

// envoy asks the administration of the Envoy at the entrance.
func (e *Env) envoy(ctx context.Context, path string) (string, error) {
	return e.Kubectl.Run(ctx, "-n", e.Entrance.Namespace, "exec", e.Entrance.Workload, "-c", "istio-proxy", "--", "curl", "-s", "127.0.0.1:15000/"+path)
}

// envoyRoutes are those of the tree's host, as the Envoy at the entrance has them.
func (e *Env) envoyRoutes(ctx context.Context) ([]envoyRoute, error) {
	out, err := e.envoy(ctx, "config_dump?resource=dynamic_route_configs")
	if err != nil {
		return nil, err
	}
	var dump routeDump
	if err := json.Unmarshal([]byte(out), &dump); err != nil {
		return nil, fmt.Errorf("reading Envoy's routes: %w", err)
	}
	var found []envoyRoute
	for _, config := range dump.Configs {
		for _, host := range config.RouteConfig.VirtualHosts {
			if serves(host.Domains, cmp.Or(e.Tree.Host(), e.Tree.Inside())) {
				found = append(found, host.Routes...)
			}
		}
	}
	return found, nil
}

// envoyShares are the weights of the rule for everyone, which matches no more headers than all do. A rule with one destination has no weights in Envoy.
func (e *Env) envoyShares(ctx context.Context) (tree.Shares, error) {
	found, err := e.envoyRoutes(ctx)
	if err != nil {
		return nil, err
	}
	shares := tree.Shares{}
	for _, route := range found {
		if len(route.Match.Headers) > len(e.Tree.Header()) {
			continue
		}
		if route.Route.Cluster != "" {
			shares[clusterHost(route.Route.Cluster)] = 100
		}
		for _, cluster := range route.Route.WeightedClusters.Clusters {
			if cluster.Weight > 0 {
				shares[clusterHost(cluster.Name)] = cluster.Weight
			}
		}
	}
	return shares, nil
}

// withoutRoutes waits until the Envoy at the entrance has no rule whose name begins like this.
func (e *Env) withoutRoutes(ctx context.Context, prefix string) error {
	return eventually(ctx, "the entrance to forget the rules "+prefix, func(ctx context.Context) error {
		found, err := e.envoyRoutes(ctx)
		if err != nil {
			return err
		}
		for _, route := range found {
			if strings.HasPrefix(route.Name, prefix) {
				return fmt.Errorf("it has %s", route.Name)
			}
		}
		return nil
	})
}

func serves(domains []string, host string) bool {
	for _, domain := range domains {
		if name, _, _ := strings.Cut(domain, ":"); name == host {
			return true
		}
	}
	return false
}

// clusterHost is the host of a cluster as outbound|80||HOST.
func clusterHost(cluster string) string { return cluster[strings.LastIndex(cluster, "|")+1:] }

// pods is the prefix of the names of the pods behind a host as REVISION-predictor.NAMESPACE.svc.cluster.local.
func pods(host string) string {
	name, _, _ := strings.Cut(host, ".")
	return name + "-"
}
