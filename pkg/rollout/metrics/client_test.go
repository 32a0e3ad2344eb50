package metrics

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const nothing = `{"status":"success","data":{"resultType":"matrix","result":[]}}`

func span() Span { return Span{Start: time.Unix(0, 0), Block: time.Minute, Blocks: 2} }

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// answered asks one question.
func answered(ctx context.Context, t *testing.T, access Access) error {
	t.Helper()
	from, err := access.Dial()
	require.NoError(t, err)
	_, err = reader{from, span()}.ask(ctx, "up")
	return err
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		switch {
		case r.Header.Get("Authorization") == "Bearer secret-token", basic && user == "reader" && password == "secret":
			_, _ = w.Write([]byte(nothing))
		default:
			http.Error(w, "who are you?", http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	require.NoError(t, answered(t.Context(), t, Access{URL: server.URL, Username: "reader", PasswordFile: write(t, "secret\n")}))
	require.NoError(t, answered(t.Context(), t, Access{URL: server.URL, TokenFile: write(t, "secret-token\n")}))
	for _, access := range []Access{{URL: server.URL}, {URL: server.URL, TokenFile: write(t, "another")}, {URL: server.URL, Username: "reader", PasswordFile: write(t, "another")}} {
		err := answered(t.Context(), t, access)
		require.ErrorContains(t, err, "401")
		assert.NotContains(t, err.Error(), "another")
	}
}

// TestRedirects: the credentials go where they are meant to, and a page to log in is no answer.
func TestRedirects(t *testing.T) {
	t.Parallel()
	called := make(chan struct{}, 10)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		called <- struct{}{}
		_, _ = w.Write([]byte(nothing))
	}))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	require.Error(t, answered(t.Context(), t, Access{URL: server.URL, TokenFile: write(t, "secret-token")}))
	assert.Empty(t, called)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	client, key, authority := certificate(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(nothing)) }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	ca := write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	require.NoError(t, answered(t.Context(), t, Access{URL: server.URL, CAFile: ca, CertFile: client, KeyFile: key}))
	require.ErrorContains(t, answered(t.Context(), t, Access{URL: server.URL, CertFile: client, KeyFile: key}), "certificate", "an unknown authority")
	require.ErrorContains(t, answered(t.Context(), t, Access{URL: server.URL, CAFile: ca}), "certificate", "no certificate of one's own")
	require.ErrorContains(t, answered(t.Context(), t, Access{URL: server.URL, CAFile: ca, CertFile: client, KeyFile: key, ServerName: "elsewhere"}), "elsewhere")
	_, err := Access{URL: server.URL, CAFile: write(t, "none")}.Dial()
	require.ErrorContains(t, err, "certificate")
}

// certificate makes one of a client and who vouches for it.
func certificate(t *testing.T) (certFile, keyFile string, authority *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gate"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	authority = x509.NewCertPool()
	authority.AddCert(parsed)
	return write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))), write(t, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}))), authority
}

func TestAccessIsChecked(t *testing.T) {
	t.Parallel()
	file := write(t, "x")
	for want, access := range map[string]Access{
		"want one such as":          {URL: "prometheus:9090"},
		"other processes see":       {URL: "https://reader:secret@prometheus"},
		"more than the path":        {URL: "https://prometheus/?token=secret"},
		"exclude each other":        {URL: "https://prometheus", TokenFile: file, Username: "reader", PasswordFile: file},
		"a file with the password":  {URL: "https://prometheus", Username: "reader"},
		"takes its key":             {URL: "https://prometheus", CertFile: file},
		"is not https":              {URL: "http://prometheus", CAFile: file},
		"no such file or directory": {URL: "https://prometheus", TokenFile: filepath.Join(t.TempDir(), "gone")},
	} {
		err := access.Check()
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret@")
	}
}
