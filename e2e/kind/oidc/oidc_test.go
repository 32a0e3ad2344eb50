package oidc_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/kind/oidc"
)

// TestIssuer gives a token to who began with the challenge of their verifier, once, and to nobody else.
func TestIssuer(t *testing.T) {
	t.Parallel()
	client := oidc.Client{ID: "page", Secret: "secret", Redirect: "https://chat.example.com/auth/callback"}
	i, err := oidc.Listen(t.Context(), "127.0.0.1", "ada", client)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, i.Close()) })
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	ask := url.Values{
		"client_id": {"page"}, "redirect_uri": {client.Redirect}, "response_type": {"code"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "state": {"s"}, "nonce": {"n"},
	}
	code := func() string {
		at, err := i.Asked(t.Context(), ask.Encode())
		require.NoError(t, err)
		assert.Equal(t, "s", at.Query().Get("state"))
		return at.Query().Get("code")
	}
	exchange := func(code, verifier, secret string) (int, string) {
		response, err := http.PostForm(i.URL+"/token", url.Values{"client_id": {"page"}, "client_secret": {secret}, "code": {code}, "code_verifier": {verifier}})
		require.NoError(t, err)
		defer response.Body.Close()
		var got struct {
			IDToken string `json:"id_token"`
		}
		require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
		return response.StatusCode, got.IDToken
	}
	for _, wrong := range [][2]string{{verifier, "other"}, {"other", "secret"}} {
		status, _ := exchange(code(), wrong[0], wrong[1])
		assert.Equal(t, http.StatusBadRequest, status)
	}
	given := code()
	status, token := exchange(given, verifier, "secret")
	require.Equal(t, http.StatusOK, status)
	again, _ := exchange(given, verifier, "secret")
	assert.Equal(t, http.StatusBadRequest, again, "a code is good once")
	keys, err := i.Keys()
	require.NoError(t, err)
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal([]byte(keys), &set))
	read, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	type about struct {
		Sub   string `json:"sub"`
		Nonce string `json:"nonce"`
		Iss   string `json:"iss"`
	}
	var claims about
	require.NoError(t, read.Claims(set.Keys[0].Key, &claims))
	assert.Equal(t, about{"ada", "n", i.URL}, claims)
	forged, err := i.Forge(i.Claims())
	require.NoError(t, err)
	read, err = jwt.ParseSigned(forged, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	require.Error(t, read.Claims(set.Keys[0].Key, &claims))
	ask.Set("redirect_uri", "https://evil.example.com/")
	_, err = i.Asked(t.Context(), ask.Encode())
	require.ErrorContains(t, err, "redirect_uri")
}

// TestFront is asked by TLS, and asks what is behind it for the same host.
func TestFront(t *testing.T) {
	t.Parallel()
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+" "+r.Header.Get("X-Forwarded-Proto"))
	}))
	t.Cleanup(behind.Close)
	front, err := oidc.NewFront(t.Context(), "chat.example.com", behind.URL)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, front.Close()) })
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+front.Address+"/", nil)
	require.NoError(t, err)
	request.Host = "chat.example.com"
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "chat.example.com https", string(body))
	assert.Equal(t, "chat.example.com", response.TLS.PeerCertificates[0].DNSNames[0])
}
