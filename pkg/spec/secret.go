package spec

import (
	"regexp"
	"strings"
)

// ExternalSecret makes model.secret of a secret that is kept elsewhere, by the External Secrets Operator
// (external-secrets.io/v1). It holds the token of Hugging Face.
type ExternalSecret struct {
	// Store that knows where, by name; it must exist.
	Store string `json:"store"`
	// StoreKind of it. Default: ClusterSecretStore.
	StoreKind string `json:"storeKind,omitempty" jsonschema:"enum=ClusterSecretStore,enum=SecretStore"`
	// Key of the secret there, for example llm/huggingface.
	Key string `json:"key"`
	// Property of it that is the token. Default: all of it is.
	Property string `json:"property,omitempty"`
}

// tokenKey is what a Secret of model.secret calls the token of Hugging Face.
const tokenKey = "HF_TOKEN"

// secretKey is what stores take for a name: AWS Secrets Manager's and Parameter Store's characters.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
var secretKey = regexp.MustCompile(`^[\w/+=.@:-]{1,512}$`)

// TokenKey is the key of the token in model.secret.
func (ExternalSecret) TokenKey() string { return tokenKey }

func (r *resolver) checkExternalSecret() {
	const path = "spec.model.externalSecret"
	m := &r.spec.Model
	e := m.ExternalSecret
	if e == nil {
		return
	}
	from := m.Source
	if m.Download != nil {
		from = m.Download.From
	}
	switch {
	case !strings.HasPrefix(from, "hf://"):
		r.failf(path, "holds the token of Hugging Face, and the weights come from %s", from)
	case m.Secret == "":
		r.failf(path, "makes the Secret that spec.model.secret names; name one")
	}
	r.enum(path+".storeKind", &e.StoreKind, "ClusterSecretStore", "ClusterSecretStore", "SecretStore")
	if !dnsLabel.MatchString(e.Store) {
		r.failf(path+".store", "%q is not a store's name", e.Store)
	}
	if !secretKey.MatchString(e.Key) {
		r.failf(path+".key", "want the name of a secret in the store, such as llm/huggingface, got %q", e.Key)
	}
	if e.Property != "" && !secretKey.MatchString(e.Property) {
		r.failf(path+".property", "want the name of a property, got %q", e.Property)
	}
}
