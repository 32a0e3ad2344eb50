package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestVerdictOfStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status metav1.Status
		want   Verdict
	}{
		"there already": {
			metav1.Status{Code: http.StatusConflict, Reason: metav1.StatusReasonAlreadyExists, Message: "exists"},
			Verdict{Accepted: true},
		},
		"causes": {
			metav1.Status{Code: http.StatusUnprocessableEntity, Message: "is invalid", Details: &metav1.StatusDetails{
				Causes: []metav1.StatusCause{{Type: metav1.CauseTypeFieldValueRequired, Field: "spec.x", Message: "Required"}},
			}},
			Verdict{Causes: []Cause{{"spec.x", "FieldValueRequired", "Required"}}},
		},
		"strict": {
			metav1.Status{Code: http.StatusBadRequest, Message: `strict decoding error: unknown field "spec.a", duplicate field "spec.b"`},
			Verdict{Causes: []Cause{
				{"spec.a", UnknownField, `unknown field "spec.a"`},
				{"spec.b", DuplicateField, `duplicate field "spec.b"`},
			}},
		},
		"webhook": {
			metav1.Status{Code: http.StatusForbidden, Message: `admission webhook "a.b" denied the request: no`},
			Verdict{Webhook: "a.b", Causes: []Cause{{"", Webhook, `admission webhook "a.b" denied the request: no`}}},
		},
		"undecodable": {
			metav1.Status{Code: http.StatusBadRequest, Message: "json: cannot unmarshal"},
			Verdict{Causes: []Cause{{"", Undecodable, "json: cannot unmarshal"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := (&Refusal{Status: tc.status}).verdict()
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

// TestNoVerdict has answers that say nothing about the object.
func TestNoVerdict(t *testing.T) {
	t.Parallel()
	for code, message := range map[int32]string{
		http.StatusInternalServerError: `failed calling webhook "a.b": connection refused`,
		http.StatusNotFound:            `namespaces "x" not found`,
		http.StatusTooManyRequests:     "later",
	} {
		_, err := (&Refusal{Status: metav1.Status{Code: code, Message: message}}).verdict()
		assert.ErrorContains(t, err, message)
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	applied := map[string]any{"spec": map[string]any{
		"same": "a", "gone": "b", "other": int64(1), "list": []any{"x"}, "longer": []any{"x"},
	}}
	stored := map[string]any{"spec": map[string]any{
		"same": "a", "other": int64(2), "list": []any{"x"}, "longer": []any{"x", "y"}, "default": "d",
	}}
	assert.Equal(t, []string{
		".spec.gone is gone",
		".spec.longer: applied [x], stored [x y]",
		".spec.other: applied 1, stored 2",
	}, Drift(applied, stored))
	assert.Empty(t, Drift(applied, applied))
}
