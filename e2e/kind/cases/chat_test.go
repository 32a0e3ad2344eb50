package cases

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWithoutUser(t *testing.T) {
	t.Parallel()
	rest, found := withoutUser("a:1\nab:2\nb:3\n", "a")
	assert.True(t, found)
	assert.Equal(t, "ab:2\nb:3\n", rest)
	_, found = withoutUser("ab:2\n", "a")
	assert.False(t, found)
}

// TestCookies are sent back as they were set, without one that is taken away.
func TestCookies(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	header.Add("Set-Cookie", "__Host-begun=; Path=/; Max-Age=0; Secure")
	header.Add("Set-Cookie", "__Secure-token=ey.a.b; Path=/api/; Max-Age=3600; Secure; HttpOnly; SameSite=Strict")
	assert.Equal(t, "__Secure-token=ey.a.b", cookies(header))
}

// TestCode is that of the page's own errors, and of nothing that Envoy says.
func TestCode(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "signed_out", replied{body: `{"error":{"message":"m","code":"signed_out"}}`}.code())
	assert.Empty(t, replied{body: "RBAC: access denied"}.code())
}
