package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// settleTime is how long a cluster may take from kubeadm's end to the last pod of kube-system.
const settleTime = 3 * time.Minute

// settle gives nodes made from source what kindnet does elsewhere, and waits until all are Ready.
func (c *Cluster) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if c.suite.way == fromSource {
		if err := errors.Join(c.connect(ctx), c.enforcePolicies(ctx)); err != nil {
			return err
		}
	}
	return poll(ctx, "every node is Ready, and the pods of kube-system", func() (string, error) { return c.unready(ctx) })
}

// connect routes pods: each node knows its own range, and by which node another range is reached.
func (c *Cluster) connect(ctx context.Context) error {
	var nodes []Node
	if err := poll(ctx, "every node has a range of addresses", func() (missing string, err error) {
		nodes, err = c.Nodes(ctx)
		if err == nil && len(nodes) < count {
			return "one that is missing", nil
		}
		for _, n := range nodes {
			if n.Pods == "" || n.Address == "" {
				missing = n.Name
			}
		}
		return missing, err
	}); err != nil {
		return err
	}
	for _, n := range nodes {
		if err := c.connectNode(ctx, n, nodes); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) connectNode(ctx context.Context, n Node, all []Node) error {
	for _, other := range all {
		if other.Name == n.Name {
			continue
		}
		if _, err := c.Exec(ctx, n.Name, "ip", "route", "replace", other.Pods, "via", other.Address); err != nil {
			return err
		}
	}
	// Only what leaves the cluster gets the node's address: pods see each other's own.
	if _, err := c.Exec(ctx, n.Name, "iptables", "-t", "nat", "-A", "POSTROUTING", "-s", n.Pods, "!", "-d", pods, "-j", "MASQUERADE"); err != nil {
		return err
	}
	if err := c.queuePackets(ctx, n.Name); err != nil {
		return err
	}
	config, err := json.Marshal(plugins(n.Pods))
	if err != nil {
		return err
	}
	// Written last and whole: the node is Ready when it is there.
	_, err = c.suite.engine.Feed(ctx, strings.NewReader(string(config)), "exec", "-i", n.Name,
		"sh", "-c", "cat > /etc/cni/net.d/.new && mv /etc/cni/net.d/.new /etc/cni/net.d/10-kservegen.conflist")
	return err
}

// pluginList is a network of CNI (the specification's "network configuration").
type pluginList struct {
	CNIVersion string   `json:"cniVersion"`
	Name       string   `json:"name"`
	Plugins    []plugin `json:"plugins"`
}

type plugin struct {
	Type         string          `json:"type"`
	IPMasq       bool            `json:"ipMasq"`
	IPAM         *addresses      `json:"ipam,omitempty"`
	Capabilities map[string]bool `json:"capabilities,omitempty"`
}

type addresses struct {
	Type   string                `json:"type"`
	Ranges [][]map[string]string `json:"ranges"`
	Routes []map[string]string   `json:"routes"`
}

// plugins is the network as kindnet configures it: a pair of interfaces per pod, routed by the node. A bridge
// would need the kernel's br_netfilter for Services between pods of one node.
func plugins(cidr string) pluginList {
	return pluginList{CNIVersion: "1.0.0", Name: "kservegen", Plugins: []plugin{
		{Type: "ptp", IPAM: &addresses{
			Type:   "host-local",
			Ranges: [][]map[string]string{{{"subnet": cidr}}},
			Routes: []map[string]string{{"dst": "0.0.0.0/0"}},
		}},
		{Type: "portmap", Capabilities: map[string]bool{"portMappings": true}},
	}}
}

// unready names a node or a pod of the control plane that is not Ready; empty where all are.
func (c *Cluster) unready(ctx context.Context) (string, error) {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, n := range nodes.Items {
		ready := false
		for _, condition := range n.Status.Conditions {
			ready = ready || condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
		}
		if !ready {
			return "node " + n.Name, nil
		}
	}
	running, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, p := range running.Items {
		ready := false
		for _, condition := range p.Status.Conditions {
			ready = ready || condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
		}
		if !ready {
			return "pod " + p.Name, nil
		}
	}
	return "", nil
}

// Host is the address at which pods reach this machine: its own in the nodes' network.
func (c *Cluster) Host(ctx context.Context) (string, error) {
	routes, err := c.Exec(ctx, name+"-control-plane", "ip", "-4", "route", "show", "default")
	if err != nil {
		return "", err
	}
	return gateway(routes)
}

// gateway is the address after "via" in what `ip route show default` prints.
func gateway(routes string) (string, error) {
	fields := strings.Fields(routes)
	i := slices.Index(fields, "via")
	if i < 0 || i+1 >= len(fields) {
		return "", fmt.Errorf("the nodes have no way to this machine: `ip route show default` says %q", routes)
	}
	return fields[i+1], nil
}

// poll asks until nothing is missing. An error of the API server may pass, and is told where time runs out.
func poll(ctx context.Context, what string, missing func() (string, error)) error {
	for {
		lack, err := missing()
		if err == nil && lack == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waiting until %s: %s is not: %w", what, lack, ctx.Err()), err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}
