// Package cluster runs a control plane on loopback: etcd and kube-apiserver with the CRDs of every product
// that kservegen writes objects of, and on top of it KServe's manager and istiod with their webhooks. There
// are no nodes and no other controllers: a Deployment stays without pods.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/e2e/envtest/process"
	"github.com/kservegen/kservegen/e2e/tools"
)

// Options say what to start.
type Options struct {
	// Dir is an empty folder for certificates, data and logs.
	Dir string
	// Root is the repository.
	Root string
	// Webhooks starts KServe's manager and istiod and has the server ask them.
	Webhooks bool
	// Products are those whose CRDs the server gets, by their names in sources.yaml; nil for all.
	Products []string
}

// Cluster is a running control plane. Stop it.
type Cluster struct {
	// API asks the server, as an administrator and without a limit on the rate.
	API *api.Client
	// Config is how others reach it.
	Config *rest.Config
	// Logs is the folder of what each process wrote.
	Logs string

	options      Options
	certificates certificates
	processes    []*process.Process
}

// Start brings everything up and returns when each part answers; what had started stops where one fails.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	c := &Cluster{options: options, Logs: filepath.Join(options.Dir, "logs")}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := os.MkdirAll(c.Logs, 0o755); err != nil {
		return err
	}
	var err error
	if c.certificates, err = newCertificates(c.options.Dir); err != nil {
		return err
	}
	etcd, err := c.startEtcd(ctx)
	if err != nil {
		return err
	}
	config, err := c.startAPIServer(ctx, etcd)
	if err != nil {
		return err
	}
	c.Config = config
	definitions, err := readDefinitions(ctx, filepath.Join(c.options.Root, "e2e", "tools", "schemas", "sources.yaml"), c.options.Products)
	if err != nil {
		return err
	}
	if c.API, err = api.New(ctx, config); err != nil {
		return err
	}
	if err = installDefinitions(ctx, c.API, definitions); err != nil {
		return err
	}
	if !c.options.Webhooks {
		return nil
	}
	return c.startWebhooks(ctx, config)
}

// startWebhooks points the server to the webhooks only when both processes answer, or it would refuse the
// objects that they need to start.
func (c *Cluster) startWebhooks(ctx context.Context, config *rest.Config) error {
	kubeconfig, err := writeKubeconfig(c.options.Dir, config)
	if err != nil {
		return err
	}
	manifests, err := readKServe(ctx, c.options.Root)
	if err != nil {
		return err
	}
	kserve, err := c.startKServe(ctx, kubeconfig, manifests)
	if err != nil {
		return err
	}
	istio, err := c.startIstio(ctx, kubeconfig)
	if err != nil {
		return err
	}
	return errors.Join(
		c.configureKServe(ctx, kserve, manifests),
		c.configureIstio(ctx, istio),
	)
}

// Stop ends the processes, the one that depends on all others first.
func (c *Cluster) Stop() error {
	var errs []error
	for len(c.processes) > 0 {
		last := len(c.processes) - 1
		errs = append(errs, c.processes[last].Stop())
		c.processes = c.processes[:last]
	}
	return errors.Join(errs...)
}

// run starts a tool and waits until it is ready or ends.
func (c *Cluster) run(ctx context.Context, name string, env, args []string, ready func(context.Context) error) error {
	tool, err := tools.Find(name)
	if err != nil {
		return err
	}
	path, err := tool.Installed(filepath.Join(c.options.Root, "e2e", "tools"))
	if err != nil {
		return err
	}
	p, err := process.Start(process.Command{Name: name, Path: path, Args: args, Env: env, Logs: c.Logs})
	if err != nil {
		return err
	}
	c.processes = append(c.processes, p)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		if err = ready(ctx); err == nil {
			return nil
		}
		select {
		case <-p.Done():
			return p.Err()
		case <-ctx.Done():
			return fmt.Errorf("%s does not get ready, see %s: %w", name, c.Logs, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// freeAddress is a loopback address that nobody listened at a moment ago.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// freeAddresses are n different ones.
func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		addresses[i] = address
	}
	return addresses, nil
}

func port(address string) string {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return strconv.Itoa(0)
	}
	return text
}
