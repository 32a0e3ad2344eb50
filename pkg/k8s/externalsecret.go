package k8s

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// externalSecret is what is used of an ExternalSecret of the External Secrets Operator, from its documentation: the module
// is not among those that are built in, and neither is its schema.
// https://external-secrets.io/latest/api/externalsecret/
type externalSecret struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              externalSecretSpec `json:"spec"`
}

type externalSecretSpec struct {
	RefreshInterval string               `json:"refreshInterval"`
	SecretStoreRef  secretStoreRef       `json:"secretStoreRef"`
	Target          externalSecretTarget `json:"target"`
	Data            []externalSecretData `json:"data"`
}

type secretStoreRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type externalSecretTarget struct {
	CreationPolicy string `json:"creationPolicy"`
	Name           string `json:"name"`
}

type externalSecretData struct {
	SecretKey string    `json:"secretKey"`
	RemoteRef remoteRef `json:"remoteRef"`
}

type remoteRef struct {
	Key      string `json:"key"`
	Property string `json:"property,omitempty"`
}

// ExternalSecrets make the Secrets that the document has elsewhere, one for each.
func ExternalSecrets(t spec.Target) []manifest.Object {
	var objects []manifest.Object
	seen := map[string]bool{}
	for _, r := range t.Revisions {
		e, name := r.Model.ExternalSecret, r.Model.Secret
		if e == nil || seen[name] {
			continue
		}
		seen[name] = true
		object := &externalSecret{
			TypeMeta: typeMeta("external-secrets.io/v1", "ExternalSecret"), ObjectMeta: meta(t, name, spec.ComponentSecurity),
			Spec: externalSecretSpec{
				RefreshInterval: "1h0m0s", SecretStoreRef: secretStoreRef{Kind: e.StoreKind, Name: e.Store},
				Target: externalSecretTarget{CreationPolicy: "Owner", Name: name},
				Data:   []externalSecretData{{SecretKey: e.TokenKey(), RemoteRef: remoteRef{Key: e.Key, Property: e.Property}}},
			},
		}
		objects = append(objects, manifest.Object{File: "externalsecret-" + name, Typed: object, Comments: manifest.Comments{
			Head: "The token of Hugging Face, from where it is kept. Pods wait until the operator has made the Secret.",
		}})
	}
	return objects
}
