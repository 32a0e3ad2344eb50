package cluster

import (
	"sigs.k8s.io/kind/pkg/apis/config/defaults"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/yaml"
)

// pods is the range of all pods' addresses, of which each node gets a part.
const pods = "10.244.0.0/16"

// count is how many nodes there are.
const count = 3

// defaultImage is the node image of the kind release.
func defaultImage() string { return defaults.Image }

// kindConfig is the cluster as kind is told. What is different from kind's own defaults is for nodes made from
// source, and for machines on which such nodes have been seen to fail.
func (s *Suite) kindConfig() ([]byte, error) {
	c := v1alpha4.Cluster{
		TypeMeta:   v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Networking: v1alpha4.Networking{PodSubnet: pods, APIServerAddress: "127.0.0.1"},
		Nodes:      []v1alpha4.Node{{Role: v1alpha4.ControlPlaneRole}, {Role: v1alpha4.WorkerRole}, {Role: v1alpha4.WorkerRole}},
	}
	if s.way == fromSource {
		c.Networking.DisableDefaultCNI = true // kindnet's image can't be had; see network.go
		// Without CAP_SYS_RESOURCE nobody may lower an OOM score: kubelet and containerd must know.
		c.FeatureGates = map[string]bool{"KubeletInUserNamespace": true}
		c.ContainerdConfigPatches = []string{"[plugins.\"io.containerd.grpc.v1.cri\"]\n  restrict_oom_score_adj = true\n"}
		// The kubelet refuses cgroup v1 since Kubernetes 1.35 unless it is told (KEP-5573).
		kubelet, err := yaml.Marshal(map[string]any{"kind": "KubeletConfiguration", "failCgroupV1": false})
		if err != nil {
			return nil, err
		}
		c.KubeadmConfigPatches = []string{string(kubelet)}
	}
	return yaml.Marshal(c)
}
