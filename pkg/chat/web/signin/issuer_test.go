package signin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

const (
	clientID     = "kservegen-chat"
	clientSecret = "of the client: +/="
)

// issuer is an OpenID Connect issuer in this process, whose people are all alice and sign in without being asked.
type issuer struct {
	url string
	now func() time.Time

	mu  sync.Mutex
	key *ecdsa.PrivateKey
	id  string
	// down makes it answer 503 to all.
	down bool
	// claims are changed before they are signed.
	claims func(map[string]any)
	// codes are those that are not exchanged yet: what was asked for them.
	codes map[string]url.Values
	// asked counts requests by path.
	asked map[string]int
	// secret that a client needs, empty for public ones.
	secret string
	// more is what its configuration has besides.
	more map[string]any
}

func newIssuer(t *testing.T, now func() time.Time) *issuer {
	t.Helper()
	i := &issuer{now: now, codes: map[string]url.Values{}, asked: map[string]int{}, secret: clientSecret}
	i.rotate(t, "first")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		config := map[string]any{
			"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/keys",
			"id_token_signing_alg_values_supported": []string{"none", "HS256", "ES256", "RS256"},
		}
		for name, value := range i.more {
			config[name] = value
		}
		answer(w, http.StatusOK, config)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"keys": []any{
			map[string]any{"kty": "OKP", "crv": "Ed448", "x": "AA"}, map[string]any{"kty": "oct", "k": "AAAA"},
			jose.JSONWebKey{Key: i.key.Public(), KeyID: i.id, Algorithm: "ES256", Use: "sig"},
		}})
	})
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked[r.URL.Path]++
		if i.down {
			http.Error(w, "down for repair", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// change changes the issuer while it runs.
func (i *issuer) change(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// rotate takes another key into use.
func (i *issuer) rotate(t *testing.T, id string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i.change(func() { i.key, i.id = key, id })
}

// authorize is what a person does there.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	code := begin().state
	i.codes[code] = query
	back, _ := url.Parse(query.Get("redirect_uri"))
	back.RawQuery = url.Values{"code": {code}, "state": {query.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	asked, known := i.codes[r.PostForm.Get("code")]
	delete(i.codes, r.PostForm.Get("code"))
	name, secret, _ := r.BasicAuth()
	name, _ = url.QueryUnescape(name)
	secret, _ = url.QueryUnescape(secret)
	if i.secret == "" {
		name = r.PostForm.Get("client_id")
	}
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case name != clientID || secret != i.secret:
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "<b>no</b>"})
	case !known, asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri"), asked.Get("code_challenge_method") != "S256",
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]):
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
	default:
		claims := i.base()
		claims["nonce"] = asked.Get("nonce")
		if i.claims != nil {
			i.claims(claims)
		}
		answer(w, http.StatusOK, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": sign(i.key, i.id, jose.ES256, claims)})
	}
}

func (i *issuer) base() map[string]any {
	return map[string]any{
		"iss": i.url, "aud": clientID, "sub": "0815", "preferred_username": "alice",
		"iat": i.now().Unix(), "exp": i.now().Add(time.Hour).Unix(),
	}
}

// made is a token with claims that are not as they should be.
func (i *issuer) made(change func(map[string]any)) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	claims := i.base()
	if change != nil {
		change(claims)
	}
	return sign(i.key, i.id, jose.ES256, claims)
}

func sign(key crypto.PrivateKey, id string, algorithm jose.SignatureAlgorithm, claims map[string]any) string {
	return signAs("JWT", key, id, algorithm, claims)
}

func signAs(kind jose.ContentType, key crypto.PrivateKey, id string, algorithm jose.SignatureAlgorithm, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", id).WithType(kind))
	if err != nil {
		panic(err)
	}
	payload, _ := json.Marshal(claims)
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}
