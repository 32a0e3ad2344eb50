package envtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/envtest/api"
)

// refusal is a file of testdata/refusals: an object, and who refuses it.
type refusal struct {
	// By is the webhook that refuses; empty where the server's own checks do.
	By string `json:"by"`
	// Path and Type are those of the first cause.
	Path string `json:"path"`
	Type string `json:"type"`
	// Message is part of what is said.
	Message string `json:"message"`
	// Object is sent as it is.
	Object map[string]any `json:"object"`
}

// refusals shows that each check is there: what only a webhook refuses passes on the server without it.
func (s *suite) refusals(t *testing.T) {
	for _, file := range glob(t, filepath.Join("testdata", "refusals", "*.yaml")) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			want := readRefusal(t, file)
			got, err := s.API.Verdict(t.Context(), want.Object)
			require.NoError(t, err)
			s.assertRefused(t, want, got)
		})
	}
}

func readRefusal(t *testing.T, file string) refusal {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var read refusal
	require.NoError(t, yaml.UnmarshalStrict(content, &read))
	return read
}

func (s *suite) assertRefused(t *testing.T, want refusal, got api.Verdict) {
	t.Helper()
	if want.By != "" && !s.webhooks {
		assert.Truef(t, got.Accepted, "refused without %s: %v", want.By, got.Causes)
		return
	}
	require.False(t, got.Accepted)
	if want.By == "" && s.webhooks {
		return // a defaulting webhook, which comes before the server's checks, may be the first to refuse
	}
	assert.Equal(t, want.By, got.Webhook)
	assert.Equal(t, want.Path, got.Causes[0].Path)
	assert.Equal(t, want.Type, got.Causes[0].Type)
	assert.Contains(t, got.Causes[0].Message, want.Message)
}
