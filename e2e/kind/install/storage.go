package install

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// claimsFolder is where the volumes of claims are on each worker.
const claimsFolder = "/var/lib/kservegen/claims"

// claims give each claim a volume that is a folder of the node, and make those that the tree takes for granted. A
// folder that a claim is said to hold a model in has what the mocks read of one.
func (i Installer) claims(ctx context.Context, claims []tree.Claim) error {
	workers, err := WorkerNames(ctx, i.Kubectl)
	if err != nil {
		return err
	}
	for _, claim := range claims {
		objects := []any{volume(claim)}
		what := "a volume"
		if !claim.Brought {
			what = "the claim and a volume"
			objects = append(objects, granted(claim))
		}
		fmt.Fprintf(i.Log, "supplied: %s for PersistentVolumeClaim %s/%s, a folder of each worker with models in %q\n", what, claim.Namespace, claim.Name, claim.Models)
		for _, worker := range workers {
			if err := i.fill(ctx, worker, claim); err != nil {
				return err
			}
		}
		plain, err := untyped(objects...)
		if err != nil {
			return err
		}
		if err := i.Kubectl.Apply(ctx, plain...); err != nil {
			return err
		}
	}
	return nil
}

// fill makes the claim's folder on a node, writable for every user, and a model's folder for each model.
func (i Installer) fill(ctx context.Context, worker string, claim tree.Claim) error {
	if _, err := i.OnNode(ctx, worker, "install", "-d", "-m", "0777", folder(claim)); err != nil {
		return err
	}
	for _, model := range claim.Models {
		at := path.Join(folder(claim), path.Clean("/"+model))
		if _, err := i.OnNode(ctx, worker, "sh", "-c", `mkdir -p "$0" && echo '{"mock": true}' > "$0/config.json"`, at); err != nil {
			return err
		}
	}
	return nil
}

func folder(claim tree.Claim) string { return path.Join(claimsFolder, claim.Namespace, claim.Name) }

// volumeName is the volume's, which a claim may say itself.
func volumeName(claim tree.Claim) string {
	if claim.Spec.VolumeName != "" {
		return claim.Spec.VolumeName
	}
	return "kservegen-e2e-" + claim.Namespace + "-" + claim.Name
}

// volume is bound to its claim beforehand: no provisioner and no class need be there.
func volume(claim tree.Claim) *corev1.PersistentVolume {
	create, class := corev1.HostPathDirectoryOrCreate, ""
	spec := claim.Spec
	if !claim.Brought {
		spec = granted(claim).Spec
	}
	if spec.StorageClassName != nil {
		class = *spec.StorageClassName
	}
	return &corev1.PersistentVolume{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolume"},
		ObjectMeta: metav1.ObjectMeta{Name: volumeName(claim)},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   spec.AccessModes,
			StorageClassName:              class,
			VolumeMode:                    spec.VolumeMode,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			ClaimRef:                      &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name},
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: folder(claim), Type: &create}},
		},
	}
}

// granted is a claim that the tree does not bring: many may read it, of no class.
func granted(claim tree.Claim) *corev1.PersistentVolumeClaim {
	noClass := ""
	return &corev1.PersistentVolumeClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: claim.Name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
			StorageClassName: &noClass,
			VolumeName:       volumeName(claim),
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
}

// granted makes Secrets, ConfigMaps and ServiceAccounts that the tree names: a pod without one would never start. No value means
// anything, but for the users of a chat's page, whom it asks.
func (i Installer) granted(ctx context.Context, all []tree.Granted) error {
	for _, g := range all {
		keys := ""
		switch {
		case slices.Contains(g.Keys, UsersKey):
			keys = fmt.Sprintf(", with the users %s", strings.Join(ChatUsers(), " "))
		case len(g.Keys) > 0:
			keys = ", with values of no meaning for " + strings.Join(g.Keys, ", ")
		}
		fmt.Fprintf(i.Log, "supplied: %s %s/%s%s\n", g.Kind, g.Namespace, g.Name, keys)
		object, err := holder(g)
		if err != nil {
			return err
		}
		if err := i.Kubectl.Apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

func holder(g tree.Granted) (map[string]any, error) {
	if g.Kind == "ServiceAccount" {
		return object("v1", g.Kind, g.Namespace, g.Name), nil
	}
	data := map[string]any{}
	for _, key := range g.Keys {
		value := "mock"
		if key == UsersKey {
			var err error
			if value, err = usersFile(); err != nil {
				return nil, err
			}
		}
		data[key] = value
		if g.Kind == "Secret" {
			data[key] = encode([]byte(value))
		}
	}
	o := object("v1", g.Kind, g.Namespace, g.Name)
	if g.Pull {
		o["type"] = string(corev1.SecretTypeDockerConfigJson)
		data[corev1.DockerConfigJsonKey] = encode([]byte(`{"auths":{}}`))
	}
	o["data"] = data
	return o, nil
}
