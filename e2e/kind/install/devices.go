package install

import (
	"context"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DeviceImage is the device plugin without devices.
const DeviceImage = Registry + "/gpu:" + Tag

// deviceName is that of everything that belongs to the device plugin.
const deviceName = "kservegen-gpu-mock"

// Devices says what the device plugin offers on each node with this label.
type Devices struct {
	// Resource is the extended resource, Count how many a node has, Product their name.
	Resource, Product string
	Count             int
	// MemoryMiB is a device's memory.
	MemoryMiB int
}

// Devices starts the device plugin on every worker.
func (i Installer) Devices(ctx context.Context, d Devices) error {
	fmt.Fprintf(i.Log, "supplied: %d mocked %s on each worker, as a device plugin offers them\n", d.Count, d.Resource)
	objects, err := untyped(deviceAccount(), deviceRole(), deviceBinding(), deviceDaemonSet(d))
	if err != nil {
		return err
	}
	if err := i.Kubectl.Apply(ctx, objects...); err != nil {
		return err
	}
	return i.rollout(ctx, "kube-system", "daemonset/"+deviceName)
}

func deviceMeta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: deviceName, Namespace: "kube-system"}
}

func deviceAccount() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: deviceMeta()}
}

// deviceRole lets it label its node and read which of the devices are broken.
func deviceRole() *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"},
		ObjectMeta: metav1.ObjectMeta{Name: deviceName},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get", "list", "watch", "patch"}}},
	}
}

func deviceBinding() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"},
		ObjectMeta: metav1.ObjectMeta{Name: deviceName},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: deviceName},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: deviceName, Namespace: "kube-system"}},
	}
}

func deviceDaemonSet(d Devices) *appsv1.DaemonSet {
	const sockets, programs = "/var/lib/kubelet/device-plugins", "/var/lib/kservegen/mock"
	labels := map[string]string{"app": deviceName}
	root := int64(0)
	container := corev1.Container{
		Name: "gpu", Image: DeviceImage, ImagePullPolicy: corev1.PullIfNotPresent,
		Args: []string{
			"--resource=" + d.Resource, "--count=" + strconv.Itoa(d.Count),
			"--product=" + d.Product, "--memory=" + strconv.Itoa(d.MemoryMiB),
		},
		Env: []corev1.EnvVar{{Name: "NODE_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}}},
		// The kubelet's sockets belong to root.
		SecurityContext: &corev1.SecurityContext{RunAsUser: &root},
		VolumeMounts:    []corev1.VolumeMount{{Name: "sockets", MountPath: sockets}, {Name: "programs", MountPath: programs}},
	}
	create := corev1.HostPathDirectoryOrCreate
	volume := func(name, path string) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path, Type: &create}}}
	}
	return &appsv1.DaemonSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}, ObjectMeta: deviceMeta(),
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					ServiceAccountName: deviceName,
					PriorityClassName:  "system-node-critical",
					NodeSelector:       map[string]string{WorkerLabel: "true"},
					Tolerations:        []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
					Containers:         []corev1.Container{container},
					Volumes:            []corev1.Volume{volume("sockets", sockets), volume("programs", programs)},
				},
			},
		},
	}
}
