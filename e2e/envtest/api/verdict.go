package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Types of causes that the API server has only in the text of its message. All others are its own words
// (metav1.CauseType).
const (
	// UnknownField is a field that the schema does not have.
	UnknownField = "UnknownField"
	// DuplicateField is a key that is there twice.
	DuplicateField = "DuplicateField"
	// UnknownKind is a kind that the server does not have.
	UnknownKind = "UnknownKind"
	// Webhook is the refusal of a webhook, which names no field.
	Webhook = "Webhook"
	// Undecodable is an object that does not fit its Go type or is none.
	Undecodable = "Undecodable"
)

// Cause is one reason to refuse an object.
type Cause struct {
	// Path is the field, in the words of the API server: spec.http[0].route.
	Path string
	// Type is one of the constants above or of metav1.CauseType.
	Type string
	// Message is what the server says.
	Message string
}

// Verdict is what the server says of an object.
type Verdict struct {
	Accepted bool
	// Causes are empty where the object is accepted.
	Causes []Cause
	// Webhook is the one that refused, if one did.
	Webhook string
}

// Verdict asks the server to create the object without storing it. An error means that there is no verdict:
// the server or a webhook did not work, or the object's namespace is not there.
func (c *Client) Verdict(ctx context.Context, object map[string]any) (Verdict, error) {
	u := &unstructured.Unstructured{Object: object}
	path, err := c.path(u.GroupVersionKind(), namespaceOr(u, metav1.NamespaceDefault))
	if err != nil {
		return refused(Cause{Path: "kind", Type: UnknownKind, Message: err.Error()}), nil
	}
	body, err := json.Marshal(object)
	if err != nil {
		return Verdict{}, err
	}
	query := strict()
	query.Set("dryRun", metav1.DryRunAll)
	_, err = c.do(ctx, http.MethodPost, path, query, body)
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return Verdict{Accepted: err == nil}, err
	}
	return refusal.verdict()
}

func namespaceOr(object *unstructured.Unstructured, otherwise string) string {
	if namespace := object.GetNamespace(); namespace != "" {
		return namespace
	}
	return otherwise
}

func refused(causes ...Cause) Verdict { return Verdict{Causes: causes} }

// Refusal is an answer of the server that is not the object.
type Refusal struct {
	Status metav1.Status
}

// Error is the server's message.
func (r *Refusal) Error() string { return r.Status.Message }

func refusal(code int, content []byte) error {
	r := &Refusal{}
	if err := json.Unmarshal(content, &r.Status); err != nil || r.Status.Message == "" {
		return fmt.Errorf("the server answers %d: %.500s", code, content)
	}
	if r.Status.Code == 0 {
		r.Status.Code = int32(code) //nolint:gosec // a status code is small
	}
	return r
}

// verdict reads the causes out of a status, and out of its message where the server puts them only there.
func (r *Refusal) verdict() (Verdict, error) {
	message := r.Status.Message
	switch {
	case r.Status.Reason == metav1.StatusReasonAlreadyExists:
		// The store says so, which is asked when every check has passed.
		return Verdict{Accepted: true}, nil
	case match(webhookDenial, message) != "":
		verdict := refused(Cause{Type: Webhook, Message: message})
		verdict.Webhook = match(webhookDenial, message)
		return verdict, nil
	case r.Status.Code >= http.StatusInternalServerError, r.Status.Code == http.StatusNotFound,
		r.Status.Code == http.StatusTooManyRequests, r.Status.Code == http.StatusUnauthorized:
		return Verdict{}, r
	}
	if r.Status.Details != nil && len(r.Status.Details.Causes) > 0 {
		var causes []Cause
		for _, cause := range r.Status.Details.Causes {
			path := strings.TrimPrefix(cause.Field, "<nil>") // how some of the server's checks write that they name none
			causes = append(causes, Cause{Path: path, Type: string(cause.Type), Message: cause.Message})
		}
		return refused(causes...), nil
	}
	var causes []Cause
	for _, found := range strictField.FindAllStringSubmatch(message, -1) {
		kind := UnknownField
		if found[1] == "duplicate" {
			kind = DuplicateField
		}
		causes = append(causes, Cause{Path: found[2], Type: kind, Message: found[0]})
	}
	if causes == nil {
		causes = []Cause{{Type: Undecodable, Message: message}}
	}
	return refused(causes...), nil
}

// The texts are those of k8s.io/apimachinery/pkg/runtime/error.go and of
// k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go.
var (
	strictField   = regexp.MustCompile(`(unknown|duplicate) field "([^"]+)"`)
	webhookDenial = regexp.MustCompile(`^admission webhook "([^"]+)" denied the request`)
)

func match(expression *regexp.Regexp, text string) string {
	if found := expression.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}
