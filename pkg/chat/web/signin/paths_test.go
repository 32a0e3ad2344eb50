package signin

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPathsAroundTheSignIn: what the mesh may read as no path of the API, and lets through without a token, the page does not read as one.
func TestPathsAroundTheSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const what = `"revisions"` // is in what the API says of the model, and nowhere else
	signedIn := "Cookie: " + TokenCookie + "=" + w.issuer.made(nil) + "\r\n"
	get := func(target string) string {
		return raw(t, w.page, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nX-Kservegen-Chat: 1\r\n%sConnection: close\r\n\r\n", target, signedIn))
	}
	require.Contains(t, get("/api/about"), what)
	require.Contains(t, get("http://localhost/api/about"), what)
	for _, target := range []string{"/%61pi/about", "/ap%69/about", "/%61%70%69/about", "/api/%61bout"} {
		require.Contains(t, get(target), " 404 ", "a policy of the mesh for /api/* may demand more than a token, and does not see this as such a path")
	}
	for _, target := range []string{
		"/api", "//api/about", "/./api/about", "/x/../api/about", "/api/../api/about", "/auth/login/../../api/about", "/api//about", "/API/about", "/Api/about",
		"/api%2fabout", "/api%2Fabout", "/%2fapi/about", "/%61pi/about", "/ap%69/about", "/%2e/api/about", "/x/%2e%2e/api/about", "/api%5cabout", "\\api\\about", "/\\api/about",
		"/api;x/about", "/;/api/about", "/api/about;x", "/api/about/", "/api/about%00", "/%00/api/about", "/api%20/about", "/api/about%3f", "/?/../api/about", "/healthz/../api/about",
		"/healthz%2f..%2fapi%2fabout", "/index.html/../api/about", "http://localhost/api/about", "http://localhost//api/about", "http://localhost", "*", "/api/about#x", "/api/about?x=/auth/login",
	} {
		for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
			for _, method := range []string{"GET", "POST", "HEAD", "CONNECT", "OPTIONS", "get"} {
				answer := raw(t, w.page, fmt.Sprintf("%s %s %s\r\nHost: localhost\r\nX-Kservegen-Chat: 1\r\nConnection: close\r\n\r\n", method, target, version))
				assert.NotContains(t, answer, what, "%s %s %s", method, target, version)
			}
		}
	}
}

// raw sends what no client would.
func raw(t *testing.T, page, request string) string {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(page, "http://"))
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	require.NoError(t, connection.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(connection, request)
	require.NoError(t, err)
	answer, err := io.ReadAll(connection)
	require.NoError(t, err)
	return string(answer)
}
