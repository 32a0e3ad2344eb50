package cluster

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kservegen/kservegen/e2e/cluster/image"
)

// policiesName is that of the program that enforces NetworkPolicies, and of everything that belongs to it. kind's
// own kindnet has the same code inside.
const policiesName = "kube-network-policies"

const policiesImage = "localhost/kservegen/" + policiesName + ":e2e"

// queue is the number of the kernel's queue in which the program looks at the first packet of each connection; its
// own default.
const queue = "100"

// policiesProgram is its image.
func (s *Suite) policiesProgram() (image.Image, error) {
	path, err := s.Tool(policiesName)
	if err != nil {
		return image.Image{}, err
	}
	return image.Image{
		Name: policiesImage, Files: []image.File{image.Program("/"+policiesName, path)},
		Config: v1.Config{Entrypoint: []string{"/" + policiesName}},
	}, nil
}

// queuePackets has a node ask the program about new connections of pods. The program would do so itself by
// nftables' queue, which not every kernel has (CONFIG_NFT_QUEUE); iptables' NFQUEUE does the same. Without a
// program that listens packets pass.
func (c *Cluster) queuePackets(ctx context.Context, node string) error {
	for _, protocol := range []string{"tcp", "udp"} {
		_, err := c.Exec(ctx, node, "iptables", "-t", "mangle", "-A", "FORWARD", "-p", protocol,
			"-m", "conntrack", "--ctstate", "NEW", "-j", "NFQUEUE", "--queue-num", queue, "--queue-bypass")
		if err != nil {
			return fmt.Errorf("having node %s enforce NetworkPolicies: %w", node, err)
		}
	}
	return nil
}

// enforcePolicies starts the program on every node.
func (c *Cluster) enforcePolicies(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Name: policiesName, Namespace: metav1.NamespaceSystem}
	if _, err = client.CoreV1().ServiceAccounts(meta.Namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err = client.RbacV1().ClusterRoles().Create(ctx, policiesRole(), metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: policiesName},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: policiesName},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: policiesName, Namespace: meta.Namespace}},
	}
	if _, err = client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err = client.AppsV1().DaemonSets(meta.Namespace).Create(ctx, policiesDaemonSet(meta), metav1.CreateOptions{})
	return err
}

func policiesRole() *rbacv1.ClusterRole {
	read := []string{"get", "list", "watch"}
	return &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: policiesName},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"pods", "namespaces", "nodes"}, Verbs: read},
			{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"networkpolicies"}, Verbs: read},
		},
	}
}

func policiesDaemonSet(meta metav1.ObjectMeta) *appsv1.DaemonSet {
	labels := map[string]string{"k8s-app": policiesName}
	privileged := true
	return &appsv1.DaemonSet{
		ObjectMeta: meta,
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					ServiceAccountName: policiesName, HostNetwork: true, PriorityClassName: "system-node-critical",
					Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
					Containers: []corev1.Container{{
						Name: policiesName, Image: policiesImage, ImagePullPolicy: corev1.PullIfNotPresent,
						Args: []string{"--hostname-override=$(NODE_NAME)", "--nfqueue-id=" + queue, "--disable-nri", "--v=1"},
						Env: []corev1.EnvVar{{Name: "NODE_NAME", ValueFrom: &corev1.EnvVarSource{
							FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"},
						}}},
						// The queue is the kernel's.
						SecurityContext: &corev1.SecurityContext{Privileged: &privileged},
					}},
				},
			},
		},
	}
}
