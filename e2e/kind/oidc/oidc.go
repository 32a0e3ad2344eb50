// Package oidc is an OpenID Connect provider for a test, served from this process: it lets everybody in as one person without a
// question, as a provider does with whom it knows already, and signs what tokens a test wants.
package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Client is who may have tokens, and where their codes are sent.
type Client struct{ ID, Secret, Redirect string }

// Issuer is one provider.
type Issuer struct {
	// URL is its name in tokens, under which others reach it; its paths are below. Set it before somebody asks.
	URL string
	// Subject is whom it lets in.
	Subject string
	// Port is where it listens.
	Port int

	address string
	client  Client
	key     *ecdsa.PrivateKey
	server  *http.Server
	ended   chan error

	mu    sync.Mutex
	codes map[string]asked
}

// asked is what a code was given for.
type asked struct{ nonce, challenge string }

// Listen serves one at a free port of that address of this machine.
func Listen(ctx context.Context, host, subject string, client Client) (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("an issuer for pods: %w", err)
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("an issuer for pods: %s is no TCP address", listener.Addr())
	}
	i := &Issuer{URL: "http://" + listener.Addr().String(), Subject: subject, Port: address.Port, address: listener.Addr().String(), client: client, key: key, ended: make(chan error, 1), codes: map[string]asked{}}
	i.server = &http.Server{Handler: i.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { i.ended <- i.server.Serve(listener) }()
	return i, nil
}

// Close ends it.
func (i *Issuer) Close() error {
	err := i.server.Close()
	if ended := <-i.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Secret is the client's.
func (i *Issuer) Secret() string { return i.client.Secret }

// Address is where it listens, as 10.89.0.1:40123.
func (i *Issuer) Address() string { return i.address }

// Asked is where a browser is sent that comes with this query to be let in, whatever name it knows the issuer by.
func (i *Issuer) Asked(ctx context.Context, query string) (*url.URL, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.address+"/authorize?"+query, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("status %d: %s", response.StatusCode, said)
	}
	return response.Location()
}

// Keys is its public key as a JSON Web Key Set.
func (i *Issuer) Keys() (string, error) {
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: keyID, Algorithm: string(jose.ES256), Use: "sig"}}})
	return string(keys), err
}

const keyID = "test"

// Claims are those of a token that is good for an hour.
func (i *Issuer) Claims() jwt.Claims {
	return jwt.Claims{
		Issuer: i.URL, Subject: i.Subject, Audience: jwt.Audience{i.client.ID},
		IssuedAt: jwt.NewNumericDate(time.Now()), Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}
}

// Sign makes a token of claims.
func (i *Issuer) Sign(claims ...any) (string, error) { return sign(i.key, claims) }

// Forge makes one with a key that nobody knows, and the name of the right one.
func (i *Issuer) Forge(claims ...any) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	return sign(key, claims)
}

func sign(key *ecdsa.PrivateKey, claims []any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", keyID))
	if err != nil {
		return "", err
	}
	builder := jwt.Signed(signer)
	for _, more := range claims {
		builder = builder.Claims(more)
	}
	return builder.Serialize()
}

func (i *Issuer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.configuration)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		keys, err := i.Keys()
		answer(w, json.RawMessage(keys), err)
	})
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	return mux
}

func (i *Issuer) configuration(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{string(jose.ES256)},
	}, nil)
}

// authorize sends the browser back with a code, where the request is one of the client's.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	for name, want := range map[string]string{
		"client_id": i.client.ID, "redirect_uri": i.client.Redirect, "response_type": "code", "code_challenge_method": "S256",
	} {
		if got := query.Get(name); got != want {
			http.Error(w, fmt.Sprintf("%s is %q, not %q", name, got, want), http.StatusBadRequest)
			return
		}
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = asked{nonce: query.Get("nonce"), challenge: query.Get("code_challenge")}
	i.mu.Unlock()
	http.Redirect(w, r, i.client.Redirect+"?"+url.Values{"code": {code}, "state": {query.Get("state")}}.Encode(), http.StatusFound)
}

// token gives one for a code, once, to the client that has its secret and what the challenge was made of (RFC 7636).
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	id, secret, given := r.BasicAuth()
	if !given {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	i.mu.Lock()
	was, known := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	i.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if id != i.client.ID || secret != i.client.Secret || !known || base64.RawURLEncoding.EncodeToString(challenge[:]) != was.challenge {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": "invalid_grant"}, nil)
		return
	}
	signed, err := i.Sign(i.Claims(), map[string]any{"nonce": was.nonce})
	answer(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 3600, "id_token": signed}, err)
}

func answer(w http.ResponseWriter, body any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who went away needs none
}
