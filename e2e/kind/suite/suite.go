// Package suite brings a cluster up, puts into it what a tree needs, applies the tree unchanged, and says what each
// part took.
package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kservegen/kservegen/e2e/cluster"
	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/cases"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Options say what to run.
type Options struct {
	// Root is the repository's, Tree the folder of the kustomization.
	Root, Tree string
	// Out gets what is done and the seconds of each part.
	Out io.Writer
}

// Suite is a cluster with a tree in it.
type Suite struct {
	Options
	tools   *cluster.Suite
	cluster *cluster.Cluster
	// kservegen is the program, which cases call.
	kservegen string
	// answered is when the model first did.
	answered time.Time
	kubectl  kubectl.Kubectl
	tree     *tree.Tree
	// record is what the cluster will say of itself; stale says that it has pods with other mocks.
	record record
	stale  bool
	// extras are what the nodes were given beside in this run, by title.
	extras map[string]bool
}

// Up brings everything up, as far as it isn't, and returns when the model has answered. With an error it may return
// what there is, to be dumped. The error is a NotRunError where the tree was validated only; then nothing was built.
func Up(ctx context.Context, options Options) (*Suite, error) {
	s := &Suite{Options: options, extras: map[string]bool{}}
	start := time.Now()
	var err error
	if s.tree, err = tree.Read(options.Tree); err != nil {
		return nil, err
	}
	if err = s.runnable(ctx); err != nil {
		return nil, err
	}
	if s.tools, err = cluster.Open(options.Root, options.Out); err != nil {
		return nil, err
	}
	if err = s.tools.Lock(ctx); err != nil {
		return nil, err
	}
	if err = s.tools.Build(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	built := time.Now()
	if err = s.start(ctx); err == nil {
		err = s.serve(ctx)
	}
	if err != nil {
		return s, err // for what can be dumped of it
	}
	fmt.Fprintf(options.Out, "the first answer came %.0f s after the programs were there, %.0f s after the start\n",
		s.answered.Sub(built).Seconds(), s.answered.Sub(start).Seconds())
	return s, nil
}

// Close lets others use the cluster, which stays.
func (s *Suite) Close() error { return s.tools.Unlock() }

// Timed runs a part of a run and notes what it took.
func (s *Suite) Timed(name string, part func()) {
	start := time.Now()
	part()
	s.tools.Took(name, time.Since(start))
}

// Figures prints the times of all phases and parts.
func (s *Suite) Figures() { s.tools.Figures() }

// Down removes the cluster.
func Down(ctx context.Context, options Options) error {
	t, err := cluster.Open(options.Root, options.Out)
	if err != nil {
		return err
	}
	if err = t.Lock(ctx); err != nil {
		return err
	}
	return errors.Join(t.Down(ctx), t.Unlock())
}

// Clean removes the cluster and all that was built.
func Clean(ctx context.Context, options Options) error {
	t, err := cluster.Open(options.Root, options.Out)
	if err != nil {
		return err
	}
	if err = t.Lock(ctx); err != nil {
		return err
	}
	return errors.Join(t.Clean(ctx), t.Unlock())
}

// Logs collects what the nodes and everything in the cluster that runs said.
func Logs(ctx context.Context, options Options, dir string) error {
	t, err := cluster.Open(options.Root, options.Out)
	if err != nil {
		return err
	}
	c, err := t.Running(ctx)
	if err != nil {
		return err
	}
	path, err := t.Tool("kubectl")
	if err != nil {
		return err
	}
	s := &Suite{Options: options, tools: t, kubectl: kubectl.Kubectl{Path: path, Kubeconfig: c.Kubeconfig}}
	return s.Dump(ctx, dir)
}

// start brings up the cluster with Istio and KServe.
func (s *Suite) start(ctx context.Context) error {
	var fixed, mocks []image.Image
	if err := s.tools.Phase("images", func() (err error) {
		if fixed, err = s.fixedImages(ctx); err != nil {
			return err
		}
		mocks, err = s.mockImages(ctx)
		return err
	}); err != nil {
		return err
	}
	var err error
	if s.cluster, err = s.tools.Up(ctx, fixed...); err != nil {
		return err
	}
	path, err := s.tools.Tool("kubectl")
	if err != nil {
		return err
	}
	s.kubectl = kubectl.Kubectl{Path: path, Kubeconfig: s.cluster.Kubeconfig}
	if err := s.claim(ctx, mocks); err != nil {
		return err
	}
	if err := s.installer().OpenControlPlane(ctx); err != nil {
		return err
	}
	if err := s.installer().Workers(ctx, s.tree.Needs()); err != nil {
		return err
	}
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error {
		return s.tools.Phase("mocks loaded", func() error { return s.cluster.Load(ctx, mocks...) })
	})
	parts.Go(func() error { return s.tools.Phase("Istio", func() error { return s.istio(ctx) }) })
	parts.Go(func() error { return s.tools.Phase("KServe", func() error { return s.kserve(ctx) }) })
	return parts.Wait()
}

func (s *Suite) installer() install.Installer {
	return install.Installer{Kubectl: s.kubectl, OnNode: s.cluster.Exec, Log: s.Out}
}

func (s *Suite) istio(ctx context.Context) error {
	istioctl, err := s.tools.Tool("istioctl")
	if err != nil {
		return err
	}
	i, needs := s.installer(), s.tree.Needs()
	if needs.GatewayAPI {
		if err := i.GatewayAPI(ctx, s.sources()); err != nil {
			return err
		}
	}
	if err := i.Istio(ctx, istioctl); err != nil {
		return err
	}
	return i.Gateway(ctx, needs.GatewayIdentity)
}

// sources says which modules carry CRDs.
func (s *Suite) sources() string {
	return filepath.Join(s.Root, "e2e", "tools", "schemas", "sources.yaml")
}

func (s *Suite) kserve(ctx context.Context) error {
	m, err := s.tools.Module(ctx, "kserve", kserveModule)
	if err != nil {
		return err
	}
	return s.installer().KServe(ctx, m.Dir, m.Version)
}

// serve supplies what the tree needs, applies it and waits for the first answer.
func (s *Suite) serve(ctx context.Context) error {
	if err := s.tools.Phase("supplies", func() error {
		definitions, err := install.Definitions(ctx, s.sources(), s.tree.Needs().Kinds)
		if err != nil {
			return err
		}
		i := s.installer()
		return errors.Join(i.Requests(ctx), i.Supply(ctx, s.tree, definitions))
	}); err != nil {
		return err
	}
	if s.stale {
		if err := s.tools.Phase("mocks restarted", func() error { return s.installer().RestartMocks(ctx, s.tree) }); err != nil {
			return err
		}
	}
	if err := s.writeRecord(ctx, s.record); err != nil {
		return err
	}
	e, err := s.Env(ctx)
	if err != nil {
		return err
	}
	if err := s.tools.Phase("tree applied, answers", func() error {
		if err := e.Forget(ctx); err != nil {
			return err
		}
		if err := e.Apply(ctx, s.Tree); err != nil {
			return err
		}
		return e.FirstAnswer(ctx)
	}); err != nil {
		return err
	}
	s.answered = time.Now()
	// What only the cases need comes while the nodes start the other replicas.
	rest, ctx := errgroup.WithContext(ctx)
	rest.Go(func() error {
		return s.tools.Phase("kservegen built", func() error { return s.program(ctx) })
	})
	rest.Go(func() error { return s.tools.Phase("all replicas ready", func() error { return e.Ready(ctx) }) })
	return rest.Wait()
}

// Env is what the cases need.
func (s *Suite) Env(ctx context.Context) (*cases.Env, error) {
	nodes, err := s.cluster.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	e := &cases.Env{Kubectl: s.kubectl, Tree: s.tree, Reference: same(s.Tree, DefaultTree(s.Root)), OnNode: s.cluster.Exec, Kservegen: s.kservegen, Out: s.Out}
	e.Flux, e.Scaling, e.Prometheus, e.KEDA, e.Host, e.Web = s.flux, s.scaling, s.collected, s.keda, s.cluster.Host, s.web
	e.GatewayNamespace = s.tree.Needs().GatewayNamespace()
	for _, node := range nodes {
		if !node.Worker {
			e.Gateway = fmt.Sprintf("http://%s:%d", node.Address, install.GatewayNodePort)
			e.Entrance = s.entrance(node.Address)
		}
	}
	return e, nil
}

// entrance is where requests to the tree's model come in on the node of the control plane.
func (s *Suite) entrance(address string) cases.Entrance {
	if host := s.tree.Host(); host != "" {
		return cases.Entrance{
			URL: fmt.Sprintf("http://%s:%d", address, install.GatewayNodePort),
			// any name that a host like *.example.com stands for
			Host:      strings.Replace(host, "*", "e2e", 1),
			Namespace: s.tree.Needs().GatewayNamespace(), Workload: "deployment/istio-ingressgateway",
		}
	}
	namespace, _, _ := strings.Cut(s.tree.Needs().Callers[0], "/")
	return cases.Entrance{
		URL: fmt.Sprintf("http://%s:%d", address, install.EntranceNodePort), Host: s.tree.Inside(),
		Namespace: namespace, Workload: "deployment/" + install.Entrance,
	}
}

// same says whether two paths lead to one folder, also through links.
func same(a, b string) bool {
	first, errFirst := os.Stat(a)
	second, errSecond := os.Stat(b)
	return errFirst == nil && errSecond == nil && os.SameFile(first, second)
}

// DefaultTree is the reference tree that the suite runs where none is named.
func DefaultTree(root string) string {
	return filepath.Join(root, "overlays", "deepseek-r1-distill-llama-8b-a10g", "deepseek-r1", "overlays", "production")
}
