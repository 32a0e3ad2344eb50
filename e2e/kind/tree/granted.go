package tree

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Claim is a PersistentVolumeClaim of the tree, or one that it takes for granted.
type Claim struct {
	Namespace, Name string
	// Brought says that the tree has it, with this Spec.
	Brought bool
	Spec    corev1.PersistentVolumeClaimSpec
	// Models are the folders in it that hold a model: the paths of pvc://NAME/PATH.
	Models []string
}

// Granted is a Secret, ConfigMap or ServiceAccount that the tree names and does not bring.
type Granted struct {
	Kind, Namespace, Name string
	// Keys are those that it must have. A Secret to pull images with has its own type instead.
	Keys []string
	Pull bool
}

// storageSecret is the annotation by which an InferenceService names the Secret of its weights' store (KServe's
// config/configmap/inferenceservice.yaml).
const storageSecret = "serving.kserve.io/storageSecretName"

// granted collects what the pods of a tree name.
type granted struct {
	namespace string
	// credentials are the keys by which KServe knows the Secret of a store.
	credentials []string
	claims      map[string]*Claim
	others      map[string]*Granted
}

// granted reads which claims, Secrets, ConfigMaps and ServiceAccounts the tree names.
func (n *Needs) granted(t *Tree) {
	g := granted{claims: map[string]*Claim{}, others: map[string]*Granted{}}
	for _, service := range t.Services {
		if model := service.Spec.Predictor.Model; model != nil && model.StorageURI != nil {
			g.credentials = append(g.credentials, credentials(*model.StorageURI)...)
		}
	}
	for _, object := range t.Objects {
		g.namespace, _, _ = strings.Cut(path(object), "/")
		g.object(object)
	}
	for _, claim := range t.Claims {
		g.namespace = claim.Namespace
		found := g.claim(claim.Name)
		found.Brought, found.Spec = true, claim.Spec
	}
	for _, object := range t.Objects {
		delete(g.others, key(object["kind"], path(object)))
		namespace, _, _ := strings.Cut(path(object), "/")
		delete(g.others, key("ServiceAccount", namespace+"/default")) // every namespace has one
	}
	for _, name := range slices.Sorted(maps.Keys(g.claims)) {
		n.Claims = append(n.Claims, *g.claims[name])
	}
	for _, name := range slices.Sorted(maps.Keys(g.others)) {
		n.Granted = append(n.Granted, *g.others[name])
	}
}

func key(kind any, path string) string {
	text, _ := kind.(string)
	return text + "/" + path
}

// credentials are the keys by which KServe takes a Secret for one of a store (mountSecretCredential in its
// pkg/credentials/service_account_credentials.go).
func credentials(uri string) []string {
	switch scheme, _, _ := strings.Cut(uri, "://"); scheme {
	case "hf":
		return []string{"HF_TOKEN"}
	case "s3":
		return []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	}
	return nil
}

// object reads one that pods are made of.
func (g *granted) object(object map[string]any) {
	meta, _ := object["metadata"].(map[string]any)
	switch object["kind"] {
	case "ServiceAccount":
		g.all(object["secrets"], false, g.credentials)
		g.all(object["imagePullSecrets"], true, nil)
	case "InferenceService":
		annotations, _ := meta["annotations"].(map[string]any)
		g.other("Secret", annotations[storageSecret], g.credentials...)
		g.walk(object["spec"])
	case "ServingRuntime", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod":
		g.walk(object["spec"])
	}
}

// walk finds what a pod's fields name, at whatever depth.
func (g *granted) walk(value any) {
	switch value := value.(type) {
	case []any:
		for _, entry := range value {
			g.walk(entry)
		}
	case map[string]any:
		for name, field := range value {
			g.field(name, field)
			g.walk(field)
		}
	}
}

// field reads one that names something (k8s.io/api/core/v1, EnvVarSource, EnvFromSource and VolumeSource).
func (g *granted) field(name string, field any) {
	text, _ := field.(string)
	if claim, ok := strings.CutPrefix(text, "pvc://"); ok {
		claim, model, _ := strings.Cut(claim, "/")
		found := g.claim(claim)
		if !slices.Contains(found.Models, model) {
			found.Models = append(found.Models, model)
		}
	}
	switch name {
	case "imagePullSecrets":
		g.all(field, true, nil)
	case "serviceAccountName":
		g.other("ServiceAccount", field)
	}
	source, ok := field.(map[string]any)
	if !ok || source["optional"] == true {
		return
	}
	var keys []string
	if key, ok := source["key"].(string); ok {
		keys = []string{key}
	}
	items, _ := source["items"].([]any)
	for _, item := range items {
		entry, _ := item.(map[string]any)
		if key, ok := entry["key"].(string); ok {
			keys = append(keys, key)
		}
	}
	switch name {
	case "persistentVolumeClaim":
		if claim, ok := source["claimName"].(string); ok {
			g.claim(claim)
		}
	case "secretKeyRef", "secretRef", "secret":
		g.other("Secret", source["name"], keys...)
		g.other("Secret", source["secretName"], keys...)
	case "configMapKeyRef", "configMapRef", "configMap":
		g.other("ConfigMap", source["name"], keys...)
	}
}

func (g *granted) claim(name string) *Claim {
	at := g.namespace + "/" + name
	if g.claims[at] == nil {
		g.claims[at] = &Claim{Namespace: g.namespace, Name: name}
	}
	return g.claims[at]
}

// all are the names of a list of references.
func (g *granted) all(list any, pull bool, keys []string) {
	entries, _ := list.([]any)
	for _, entry := range entries {
		reference, _ := entry.(map[string]any)
		if found := g.other("Secret", reference["name"], keys...); found != nil {
			found.Pull = pull
		}
	}
}

// other notes one of another kind; nil where there is no name.
func (g *granted) other(kind string, name any, keys ...string) *Granted {
	text, _ := name.(string)
	if text == "" {
		return nil
	}
	at := key(kind, g.namespace+"/"+text)
	if g.others[at] == nil {
		g.others[at] = &Granted{Kind: kind, Namespace: g.namespace, Name: text}
	}
	found := g.others[at]
	found.Keys = append(found.Keys, keys...)
	slices.Sort(found.Keys)
	found.Keys = slices.Compact(found.Keys)
	return found
}
