package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/image"
)

// name is the cluster's, of which there is one for each cache.
const name = "kservegen-e2e"

// none says that there is no cluster.
func none() error { return errors.New("no cluster runs: `make e2e-up` brings it up") }

// Cluster is one that runs: a control plane and two workers, since a drain needs two.
type Cluster struct {
	// Kubeconfig is a file for kubectl.
	Kubeconfig string
	// Config is for clients.
	Config *rest.Config
	suite  *Suite
}

// Up returns the cluster that runs, and brings it up first where none does, or one of another node image. Every
// node has the images from the start; what is built anew for each run is better given to Load. What changes made useless
// is removed.
func (s *Suite) Up(ctx context.Context, images ...image.Image) (*Cluster, error) {
	if err := s.choose(ctx); err != nil {
		return nil, err
	}
	var nodeImage string
	if err := s.Phase("node image", func() (err error) {
		nodeImage, err = s.nodeImage(ctx, images)
		return err
	}); err != nil {
		return nil, err
	}
	c, err := s.of(ctx, nodeImage, images)
	if err != nil {
		return nil, err
	}
	if err = s.prune(ctx, nodeImage); err != nil {
		return nil, fmt.Errorf("removing what earlier runs built: %w", err)
	}
	return c, nil
}

// of returns the cluster of that node image.
func (s *Suite) of(ctx context.Context, nodeImage string, images []image.Image) (*Cluster, error) {
	if c, err := s.Running(ctx); err == nil && s.whole(nodeImage) && s.runs(ctx, nodeImage) {
		return c, nil
	}
	if _, err := os.Stat(filepath.Join(s.dir, "kubeconfig")); err == nil {
		fmt.Fprintln(s.out, "the cluster that is there does not answer, is only half made, or is of another node image: making it anew")
	}
	if err := s.Down(ctx); err != nil {
		return nil, err
	}
	if err := s.Phase("cluster", func() error { return s.create(ctx, nodeImage) }); err != nil {
		return nil, err
	}
	c, err := s.Running(ctx)
	if err != nil {
		return nil, err
	}
	if err = s.Phase("nodes ready", func() error { return c.settle(ctx) }); err != nil {
		return nil, err
	}
	if s.way != fromSource {
		if err := s.Phase("images loaded", func() error { return c.Load(ctx, images...) }); err != nil {
			return nil, err
		}
	}
	return c, os.WriteFile(s.wholeFile(), []byte(nodeImage), 0o644)
}

// wholeFile says of which node image the cluster is that came up to its end: one that was cut off half way answers,
// too.
func (s *Suite) wholeFile() string { return filepath.Join(s.dir, "whole") }

func (s *Suite) whole(nodeImage string) bool {
	content, err := os.ReadFile(s.wholeFile())
	return err == nil && string(content) == nodeImage
}

// Running returns the cluster that runs already.
func (s *Suite) Running(ctx context.Context) (*Cluster, error) {
	if s.way == "" {
		return nil, none()
	}
	c := &Cluster{Kubeconfig: filepath.Join(s.dir, "kubeconfig"), suite: s}
	clusters, err := s.kind(ctx, "get", "clusters")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(strings.Fields(clusters), name) {
		return nil, none()
	}
	if c.Config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return nil, err
	}
	if _, err = client.Discovery().ServerVersion(); err != nil {
		return nil, fmt.Errorf("the cluster that runs does not answer: %w", err)
	}
	return c, nil
}

// Down removes the cluster and its networks; what was built stays. Where that fails, what is known of it stays, too.
func (s *Suite) Down(ctx context.Context) error {
	if s.way == "" {
		return nil // none was made
	}
	if err := os.RemoveAll(s.wholeFile()); err != nil {
		return err
	}
	if _, err := s.kind(ctx, "delete", "cluster", "--name", name); err != nil {
		return fmt.Errorf("removing the cluster: %w", err)
	}
	return errors.Join(os.RemoveAll(filepath.Join(s.dir, "kubeconfig")), os.RemoveAll(s.wayFile(s.way)))
}

// Logs writes what the nodes, the control plane and every pod have said to the folder.
func (s *Suite) Logs(ctx context.Context, dir string) error {
	_, err := s.kind(ctx, "export", "logs", "--name", name, dir)
	return err
}

// runs says whether the cluster's nodes are of that image.
func (s *Suite) runs(ctx context.Context, nodeImage string) bool {
	output, err := s.engine.Output(ctx, "inspect", "--format", "{{.Config.Image}}", name+"-control-plane")
	return err == nil && strings.TrimSpace(output) == nodeImage
}

func (s *Suite) create(ctx context.Context, nodeImage string) error {
	if err := s.modules(); err != nil {
		return err
	}
	config, err := s.kindConfig()
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "kind.yaml")
	if err = os.WriteFile(path, config, 0o644); err != nil {
		return err
	}
	if err = os.WriteFile(s.wayFile(s.way), nil, 0o644); err != nil {
		return err
	}
	_, err = s.kind(ctx, "create", "cluster", "--name", name, "--image", nodeImage, "--config", path, "--retain", "--wait", "0s")
	return err
}

// modules makes the folder of kernel modules where there is none: kind mounts it into each node.
func (s *Suite) modules() error {
	const dir = "/lib/modules"
	if _, err := os.Stat(dir); err == nil || s.way != fromSource {
		return nil
	}
	fmt.Fprintf(s.out, "making %s, which is empty and which kind mounts\n", dir)
	return os.Mkdir(dir, 0o755)
}

func (s *Suite) kind(ctx context.Context, args ...string) (string, error) {
	kind, err := s.Tool("kind")
	if err != nil {
		return "", err
	}
	env := append([]string{"KUBECONFIG=" + filepath.Join(s.dir, "kubeconfig")}, s.engine.Env...)
	return engine.Run(ctx, env, nil, kind, args...)
}

// Load puts images into every node. A pod that uses them needs an imagePullPolicy other than Always.
func (c *Cluster) Load(ctx context.Context, images ...image.Image) error {
	for _, i := range images {
		archive, err := i.Archive(filepath.Join(c.suite.dir, "images"))
		if err != nil {
			return err
		}
		if _, err = c.suite.kind(ctx, "load", "image-archive", "--name", name, archive); err != nil {
			return err
		}
	}
	return nil
}

// Exec runs a command in a node.
func (c *Cluster) Exec(ctx context.Context, node string, command ...string) (string, error) {
	return c.suite.engine.Output(ctx, append([]string{"exec", node}, command...)...)
}

// Node is a machine of the cluster.
type Node struct {
	Name string
	// Address can be reached from this machine: a Service of type NodePort answers there.
	Address string
	// Pods is the range of its pods' addresses.
	Pods string
	// Worker says that it isn't the control plane.
	Worker bool
}

// Nodes lists the nodes by their names.
func (c *Cluster) Nodes(ctx context.Context) ([]Node, error) {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return nil, err
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var nodes []Node
	for _, n := range list.Items {
		_, control := n.Labels["node-role.kubernetes.io/control-plane"]
		found := Node{Name: n.Name, Pods: n.Spec.PodCIDR, Worker: !control}
		for _, address := range n.Status.Addresses {
			if address.Type == corev1.NodeInternalIP && found.Address == "" {
				found.Address = address.Address
			}
		}
		nodes = append(nodes, found)
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}
