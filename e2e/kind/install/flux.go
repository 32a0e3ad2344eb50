package install

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// FluxNamespace is that of Flux's own manifests.
const FluxNamespace = "flux-system"

// FluxController is one of Flux's.
type FluxController struct {
	// Name is the controller's and its module's, Dir where the module's files are, Image what it runs.
	Name, Dir, Image string
	// Args are added to its manifest's.
	Args []string
	// Admin lets it do everything, as Flux's own installation lets kustomize-controller; without, it may do what its
	// module's role says.
	Admin bool
}

// Flux installs controllers by the manifests of their modules.
func (i Installer) Flux(ctx context.Context, controllers ...FluxController) error {
	if err := i.namespaces(ctx, FluxNamespace); err != nil {
		return err
	}
	for _, c := range controllers {
		objects, err := c.objects()
		if err != nil {
			return err
		}
		if err := i.inOrder(ctx, objects); err != nil {
			return err
		}
	}
	for _, c := range controllers {
		if err := i.rollout(ctx, FluxNamespace, "deployment/"+c.Name); err != nil {
			return err
		}
	}
	return nil
}

// objects are those of the module's config/, in Flux's namespace, with an account and its rights.
func (c FluxController) objects() ([]map[string]any, error) {
	binding, err := c.binding()
	if err != nil {
		return nil, err
	}
	all := []map[string]any{object("v1", "ServiceAccount", FluxNamespace, c.Name), binding}
	for _, pattern := range []string{"crd/bases/*.yaml", "rbac/role.yaml", "manager/deployment.yaml", "manager/service.yaml"} {
		objects, err := parseFiles(filepath.Join(c.Dir, "config"), pattern)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			if err := c.adapt(o); err != nil {
				return nil, fmt.Errorf("%s %s of %s: %w", o["kind"], name(o), c.Name, err)
			}
		}
		all = append(all, objects...)
	}
	return all, nil
}

// adapt changes an object of the module for this cluster.
func (c FluxController) adapt(o map[string]any) error {
	switch o["kind"] {
	case "ClusterRole": // both modules call theirs manager-role
		return unstructured.SetNestedField(o, c.Name, "metadata", "name")
	case "Service":
		return unstructured.SetNestedField(o, FluxNamespace, "metadata", "namespace")
	case "Deployment":
		return c.adaptDeployment(o)
	}
	return nil
}

// adaptDeployment takes the image that was loaded. One replica needs no election.
func (c FluxController) adaptDeployment(o map[string]any) error {
	return editDeployment(o, func(d *appsv1.Deployment) {
		d.Namespace = FluxNamespace
		d.Spec.Template.Spec.ServiceAccountName = c.Name
		container := place(d, c.Image)
		container.Args = slices.DeleteFunc(container.Args, func(arg string) bool { return arg == "--enable-leader-election" })
		container.Args = append(container.Args, c.Args...)
		container.ReadinessProbe.PeriodSeconds = 1 // ready as soon as it is
	})
}

func (c FluxController) binding() (map[string]any, error) {
	role := c.Name
	if c.Admin {
		role = "cluster-admin"
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(&rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"},
		ObjectMeta: metav1.ObjectMeta{Name: c.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: c.Name, Namespace: FluxNamespace}},
	})
}
