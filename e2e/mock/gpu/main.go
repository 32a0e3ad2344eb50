// Command gpu is a device plugin without devices. It offers them to the kubelet, labels its node as the vendor's
// feature discovery does, and leaves on the node the vendor's tool, which is this program under another name.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

type options struct {
	resource, product, node string
	count, memory           int
	sockets, programs       string
}

func main() {
	var err error
	if name := filepath.Base(os.Args[0]); isProgram(name) {
		err = printDevices(os.Stdout, os.Args[1:], os.Getenv)
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, os.Args[1:])
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("gpu", flag.ContinueOnError)
	set.StringVar(&o.resource, "resource", "nvidia.com/gpu", "the extended resource")
	set.StringVar(&o.product, "product", "", "the product's name, as feature discovery has it")
	set.StringVar(&o.node, "node", os.Getenv("NODE_NAME"), "the node's name")
	set.IntVar(&o.count, "count", 1, "devices of the node")
	set.IntVar(&o.memory, "memory", 0, "memory of a device in MiB")
	set.StringVar(&o.sockets, "sockets", "/var/lib/kubelet/device-plugins", "the kubelet's folder of sockets")
	set.StringVar(&o.programs, "programs", "/var/lib/kservegen/mock", "a folder of the node for the vendor's tool, mounted under the same path")
	return o, set.Parse(args)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	v, err := findVendor(o.resource)
	if err != nil {
		return err
	}
	p := newPlugin(v, o.node, o.count)
	p.programs, p.product, p.memory = o.programs, o.product, o.memory
	if err = installProgram(filepath.Join(o.programs, v.program)); err != nil {
		return err
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err = labelNode(ctx, client, o.node, v.labels(o.count, o.product, o.memory)); err != nil {
		return fmt.Errorf("labelling node %s: %w", o.node, err)
	}
	if err = followHealth(ctx, client, o.node, p.setUnhealthy); err != nil {
		return err
	}
	fmt.Printf("gpu: node %s offers %d of %s\n", o.node, o.count, o.resource)
	return serve(ctx, p, o.sockets)
}

// installProgram copies this program, beside its place and renamed: containers may run the old one.
func installProgram(path string) (err error) {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, self.Close()) }()
	if err = os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	copied, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, self)
	if err = errors.Join(err, copied.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
