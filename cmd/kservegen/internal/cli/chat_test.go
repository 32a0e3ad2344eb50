package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/chat"
	"github.com/kservegen/kservegen/pkg/chat/web/signin"
	"github.com/kservegen/kservegen/pkg/spec"
)

// TestWhatRoutesSayIsWhatClientsRead: pkg/chat knows no documents, and has the name of the header for itself.
func TestWhatRoutesSayIsWhatClientsRead(t *testing.T) {
	t.Parallel()
	assert.Equal(t, spec.RevisionHeader, chat.RevisionHeader)
	assert.Equal(t, spec.ChatCookie, signin.TokenCookie, "the mesh looks for the token where the page puts it")
}

func TestWhereACredentialCanBeRead(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]bool{
		"http://deepseek.example.com/v1": true, "http://10.0.0.7:8080": true, "https://deepseek.example.com": false,
		"http://localhost:8080": false, "http://127.0.0.1": false, "http://[::1]:80": false,
	} {
		assert.Equal(t, want, readable(base), base)
	}
}
