// Package istiod says what istiod's validation webhook refuses, by Istio's own code.
package istiod

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/log"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Webhook is who refuses, as the API server names it in its message.
const Webhook = "validation.istio.io"

// Refusal is one reason for which the webhook refuses an object.
type Refusal struct {
	// Path is an RFC 6901 pointer to the smallest value that the reason goes away without.
	Path    string
	Message string
	// Panicked says that Istio's code does not survive the object.
	Panicked bool
}

// Validator asks Istio's code. It is safe for concurrent use.
type Validator struct{ kinds map[schema.GroupKind]kind }

// New returns a Validator. Istio's code warns of some objects in its log, which is standard output; that is switched
// off for the process.
func New() *Validator {
	if scope := log.FindScope("validation"); scope != nil {
		scope.SetOutputLevel(log.NoneLevel)
	}
	return &Validator{kinds: kinds()}
}

// Refusals returns what the webhook says against an object that the API server's own checks accept: nothing where it
// accepts it, or where the kind is none of those that it is asked about. Object is JSON-shaped.
func (v *Validator) Refusals(object map[string]any) []Refusal {
	reasons, size := v.reasons(object)
	search := search{ask: v.reasons, object: object, before: messages(reasons), left: searchLimit - size}
	for i := range reasons {
		reasons[i].Path = pointer(search.place(reasons[i].Message))
	}
	return reasons
}

// reasons also returns the size of what was validated, in bytes.
func (v *Validator) reasons(object map[string]any) (refusals []Refusal, size int) {
	apiVersion, _ := object["apiVersion"].(string)
	name, _ := object["kind"].(string)
	known, ok := v.kinds[schema.FromAPIVersionAndKind(apiVersion, name).GroupKind()]
	if !ok {
		return nil, 0
	}
	defer func() {
		if p := recover(); p != nil {
			refusals = []Refusal{{Message: fmt.Sprint(p), Panicked: true}}
		}
	}()
	spec, err := json.Marshal(object["spec"])
	if err != nil {
		return []Refusal{{Message: err.Error()}}, 0
	}
	err = known.judge(object, string(spec))
	for _, one := range flatten(err) {
		refusals = append(refusals, Refusal{Message: one.Error()})
	}
	return refusals, len(spec)
}

// judge does what the webhook does with an object (pkg/webhooks/validation/server and pilot/pkg/config/kube/crd).
func (k kind) judge(object map[string]any, spec string) error {
	var meta struct {
		Metadata struct {
			Name        string            `json:"name"`
			Namespace   string            `json:"namespace"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	text, err := json.Marshal(map[string]any{"metadata": object["metadata"]})
	if err != nil {
		return err
	}
	if err = json.Unmarshal(text, &meta); err != nil {
		return fmt.Errorf("cannot decode configuration: %w", err)
	}
	message := k.empty()
	if err = config.ApplyJSON(message, spec); err != nil {
		return fmt.Errorf("error decoding configuration: %w", err)
	}
	_, err = k.validate(config.Config{
		Meta: config.Meta{
			GroupVersionKind: k.gvk,
			Name:             meta.Metadata.Name,
			Namespace:        cmp.Or(meta.Metadata.Namespace, "default"),
			Labels:           meta.Metadata.Labels,
			Annotations:      meta.Metadata.Annotations,
		},
		Spec: message,
	})
	return err
}

// flatten takes Istio's lists of errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	var list interface{ WrappedErrors() []error }
	if !errors.As(err, &list) || len(list.WrappedErrors()) == 0 {
		return []error{err}
	}
	var all []error
	for _, one := range list.WrappedErrors() {
		all = append(all, flatten(one)...)
	}
	return all
}
