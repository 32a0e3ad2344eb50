package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// world is a page whose people an issuer knows.
type world struct {
	issuer *issuer
	oidc   *OIDC
	page   string
	said   *lines
	clock  *clock
}

func newWorld(t *testing.T, change func(*Issuer)) *world {
	t.Helper()
	w := &world{said: &lines{}, clock: &clock{}}
	w.issuer = newIssuer(t, w.clock.now)
	file := filepath.Join(t.TempDir(), "client-secret")
	require.NoError(t, os.WriteFile(file, []byte(clientSecret+"\n"), 0o600))
	config := Issuer{URL: w.issuer.url, ClientID: clientID, SecretFile: file, Scopes: []string{"openid", "profile"}}
	if change != nil {
		change(&config)
	}
	var err error
	w.oidc, err = NewOIDC(config, w.said.log)
	require.NoError(t, err)
	w.oidc.now = w.clock.now
	w.page = page(t, w.oidc)
	return w
}

// browser has cookies by their names; values of empty ones were taken away.
type browser map[string]*http.Cookie

// get asks as a browser does, with the cookies of the path, and keeps those that come.
func (b browser) get(t *testing.T, method, address string, header http.Header) (*http.Response, string) {
	t.Helper()
	at, err := url.Parse(address)
	require.NoError(t, err)
	sent := http.Header{}
	maps.Copy(sent, header)
	var cookies []string
	for name, c := range b {
		if strings.HasPrefix(at.Path, c.Path) {
			cookies = append(cookies, name+"="+c.Value)
		}
	}
	if len(cookies) > 0 {
		sent["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	response, body := ask(t, method, address, sent)
	for _, c := range response.Cookies() {
		if c.MaxAge < 0 {
			delete(b, c.Name)
			continue
		}
		b[c.Name] = c
	}
	return response, body
}

// begun signs in until the issuer sends the browser back, and returns where to.
func (w *world) begun(t *testing.T, b browser) string {
	t.Helper()
	response, body := b.get(t, "GET", w.page+"/auth/login", nil)
	require.Equal(t, http.StatusFound, response.StatusCode, body)
	response, body = browser{}.get(t, "GET", response.Header.Get("Location"), nil)
	require.Equal(t, http.StatusFound, response.StatusCode, body)
	return response.Header.Get("Location")
}

func token(value string) http.Header { return http.Header{"Cookie": {TokenCookie + "=" + value}} }

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := browser{}
	for _, path := range []string{"/", "/main.mjs"} {
		response, _ := b.get(t, "GET", w.page+path, nil)
		assert.Equal(t, http.StatusOK, response.StatusCode, "what is in the program is no secret")
	}
	response, body := b.get(t, "GET", w.page+"/api/about", nil)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Contains(t, body, `"code":"signed_out"`)

	response, _ = b.get(t, "GET", w.page+"/auth/login", nil)
	require.Equal(t, http.StatusFound, response.StatusCode)
	to, err := url.Parse(response.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, w.issuer.url+"/authorize", to.Scheme+"://"+to.Host+to.Path)
	query := to.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "redirect_uri": w.page + "/auth/callback", "scope": "openid profile", "code_challenge_method": "S256",
	} {
		assert.Equal(t, want, query.Get(name), name)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		assert.GreaterOrEqual(t, len(query.Get(name)), secretLength, name)
	}
	begun := response.Cookies()[0]
	assert.Equal(t, "__Host-kservegen-chat-signin", begun.Name)
	assert.Equal(t, []any{"/", "", 600, true, true, http.SameSiteLaxMode}, []any{begun.Path, begun.Domain, begun.MaxAge, begun.Secure, begun.HttpOnly, begun.SameSite})

	back := w.begun(t, b)
	response, _ = b.get(t, "GET", back, nil)
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	assert.Equal(t, "/", response.Header.Get("Location"))
	assert.NotContains(t, b, attemptCookie)
	kept := b[TokenCookie]
	require.NotNil(t, kept)
	assert.Equal(t, []any{"/api/", "", 3600, true, true, http.SameSiteStrictMode}, []any{kept.Path, kept.Domain, kept.MaxAge, kept.Secure, kept.HttpOnly, kept.SameSite})
	response, body = b.get(t, "GET", w.page+"/api/about", nil)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.JSONEq(t, `{"name":"m","revisions":[],"signIn":{"kind":"oidc","id":"0815","user":"alice","login":"/auth/login"}}`, body)

	again, _ := b.get(t, "GET", back, nil)
	assert.Equal(t, http.StatusBadRequest, again.StatusCode, "a callback is good once")
	response, _ = b.get(t, "POST", w.page+"/api/sign-out", http.Header{"Origin": {"https://evil.example"}})
	assert.Equal(t, http.StatusForbidden, response.StatusCode, "nobody else signs out")
	response, _ = b.get(t, "POST", w.page+"/api/sign-out", nil)
	assert.Equal(t, http.StatusNoContent, response.StatusCode)
	gone := response.Cookies()[0]
	assert.Equal(t, []any{TokenCookie, "", "/api/", -1}, []any{gone.Name, gone.Value, gone.Path, gone.MaxAge})
	response, _ = b.get(t, "GET", w.page+"/api/about", nil)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.NotContains(t, w.said.String(), kept.Value)
}

// TestKindsOfClients: with a secret in the header or the form, and without.
func TestKindsOfClients(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Issuer)
		secret string
	}{
		"confidential": {nil, clientSecret}, "public": {func(i *Issuer) { i.SecretFile = "" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.change)
			w.issuer.change(func() { w.issuer.secret = c.secret })
			b := browser{}
			response, body := b.get(t, "GET", w.begun(t, b), nil)
			assert.Equal(t, http.StatusSeeOther, response.StatusCode, body)
			assert.Contains(t, b, TokenCookie)
		})
	}
}

func TestCallbacksThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// issuer, browser and callback are changed between the beginning and the end of a sign-in.
		issuer  func(*issuer)
		browser func(browser)
		query   func(url.Values)
		says    string
	}{
		"another state":    {query: func(q url.Values) { q.Set("state", begin().state) }, says: "not one to this browser&#39;s last sign-in"},
		"no state":         {query: func(q url.Values) { q.Del("state") }, says: "not one to this browser&#39;s last sign-in"},
		"another browser":  {browser: func(b browser) { delete(b, attemptCookie) }, says: "no sign-in is under way"},
		"another sign-in":  {browser: func(b browser) { b[attemptCookie] = begin().cookie() }, says: "not one to this browser&#39;s last sign-in"},
		"an empty attempt": {browser: func(b browser) { b[attemptCookie].Value = ".." }, query: func(q url.Values) { q.Set("state", "") }, says: "none of this page"},
		"two attempts": {browser: func(b browser) {
			b["x"] = &http.Cookie{Path: "/", Value: "1; " + attemptCookie + "=" + b[attemptCookie].Value}
		}, says: "no sign-in is under way"},
		"another verifier":  {browser: func(b browser) { b[attemptCookie].Value += "x" }, says: "invalid_grant"},
		"another code":      {query: func(q url.Values) { q.Set("code", "x") }, says: "invalid_grant"},
		"no code":           {query: func(q url.Values) { q.Del("code") }, says: "the issuer sent no code"},
		"refused":           {query: func(q url.Values) { q.Set("error", "access_denied<script>") }, says: "the issuer refuses: access_denied&lt;script&gt;"},
		"another's answer":  {query: func(q url.Values) { q.Set("iss", "https://evil.example") }, says: "one of another issuer"},
		"another nonce":     {issuer: func(i *issuer) { i.claims = func(c map[string]any) { c["nonce"] = "x" } }, says: "its nonce is another"},
		"no nonce":          {issuer: func(i *issuer) { i.claims = func(c map[string]any) { delete(c, "nonce") } }, says: "its nonce is another"},
		"another audience":  {issuer: func(i *issuer) { i.claims = func(c map[string]any) { c["aud"] = "other" } }, says: "expected audience"},
		"another issuer":    {issuer: func(i *issuer) { i.claims = func(c map[string]any) { c["iss"] = "https://evil.example" } }, says: "issued by a different provider"},
		"expired":           {issuer: func(i *issuer) { i.claims = func(c map[string]any) { c["exp"] = c["iat"].(int64) - 1 } }, says: "token is expired"},
		"nobody":            {issuer: func(i *issuer) { i.claims = func(c map[string]any) { delete(c, "sub") } }, says: "has no subject"},
		"too large":         {issuer: func(i *issuer) { i.claims = func(c map[string]any) { c["groups"] = strings.Repeat("g", 4096) } }, says: "leave groups and other long claims out of it"},
		"the wrong secret":  {issuer: func(i *issuer) { i.secret = "another" }, says: "gives no token for its code: invalid_client"},
		"the issuer is off": {issuer: func(i *issuer) { i.down = true }, says: "gives no token for its code: 503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, b := newWorld(t, nil), browser{}
			back, err := url.Parse(w.begun(t, b))
			require.NoError(t, err)
			if c.issuer != nil {
				w.issuer.change(func() { c.issuer(w.issuer) })
			}
			if c.browser != nil {
				c.browser(b)
			}
			query := back.Query()
			if c.query != nil {
				c.query(query)
			}
			back.RawQuery = query.Encode()
			response, body := b.get(t, "GET", back.String(), nil)
			assert.Equal(t, http.StatusBadRequest, response.StatusCode)
			assert.Contains(t, body, c.says)
			assert.NotContains(t, body, "<script>")
			assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
			assert.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.NotContains(t, b, TokenCookie)
			assert.Empty(t, response.Header.Get("Location"))
			assert.NotContains(t, w.said.String()+body, clientSecret)
			assert.Contains(t, w.said.String(), "sign-in from 127.0.0.1 failed")
		})
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	good := w.issuer.made(nil)
	let, _ := ask(t, "GET", w.page+"/api/about", token(good))
	require.Equal(t, http.StatusOK, let.StatusCode)
	let, _ = ask(t, "GET", w.page+"/api/about", token(w.issuer.made(func(c map[string]any) { c["aud"], c["azp"] = []string{"other", clientID}, clientID })))
	require.Equal(t, http.StatusOK, let.StatusCode)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	public, err := json.Marshal(jose.JSONWebKey{Key: w.issuer.key.Public()})
	require.NoError(t, err)
	changed := func(change func(map[string]any)) http.Header { return token(w.issuer.made(change)) }
	for name, header := range map[string]http.Header{
		"none":                       nil,
		"empty":                      token(""),
		"no token":                   token("alice"),
		"unsigned":                   token(none + "." + parts[1] + "."),
		"unsigned, with a signature": token(none + "." + parts[1] + "." + parts[2]),
		"without its signature":      token(parts[0] + "." + parts[1] + "."),
		"other claims":               token(parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"root"}`)) + "." + parts[2]),
		"by another key":             token(sign(other, "first", jose.ES256, w.issuer.base())),
		"by the public key":          token(sign(public, "first", jose.HS256, w.issuer.base())),
		"for another client":         changed(func(c map[string]any) { c["aud"] = "other" }),
		"for nobody":                 changed(func(c map[string]any) { delete(c, "aud") }),
		"that another client got":    changed(func(c map[string]any) { c["azp"] = "other" }),
		"that another got for both":  changed(func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "other"}, "other" }),
		"for both, that nobody got":  changed(func(c map[string]any) { c["aud"] = []string{clientID, "other"} }),
		"with a client of any kind":  changed(func(c map[string]any) { c["azp"] = 1 }),
		"for access":                 token(signAs("at+jwt", w.issuer.key, "first", jose.ES256, w.issuer.base())),
		"for access, in full":        token(signAs("application/AT+JWT", w.issuer.key, "first", jose.ES256, w.issuer.base())),
		"by another issuer":          changed(func(c map[string]any) { c["iss"] = "https://evil.example" }),
		"expired":                    changed(func(c map[string]any) { c["exp"] = c["iat"].(int64) - 1 }),
		"without an end":             changed(func(c map[string]any) { delete(c, "exp") }),
		"of tomorrow":                changed(func(c map[string]any) { c["nbf"] = c["iat"].(int64) + 86400 }),
		"about nobody":               changed(func(c map[string]any) { delete(c, "sub") }),
		"too large":                  changed(func(c map[string]any) { c["x"] = strings.Repeat("x", 5000) }),
		"two":                        {"Cookie": {TokenCookie + "=" + good + "; " + TokenCookie + "=" + good}},
		"as a bearer":                {"Authorization": {"Bearer " + good}},
		"in another cookie":          {"Cookie": {"kservegen-chat=" + good}},
		"a header of a proxy":        {"X-Forwarded-User": {"alice"}, "X-Auth-Request-User": {"alice"}, "Remote-User": {"alice"}},
	} {
		for _, path := range []string{"/api/about", "/api/models", "/api/chat", "/api/none"} {
			response, body := ask(t, map[bool]string{true: "POST", false: "GET"}[path == "/api/chat"], w.page+path, header)
			assert.Equal(t, http.StatusUnauthorized, response.StatusCode, name)
			assert.Contains(t, body, `"code":"signed_out"`, name)
		}
	}
	assert.NotContains(t, w.said.String(), parts[1])
	evil := token(good)
	evil["Origin"] = []string{"https://evil.example"}
	response, _ := ask(t, "POST", w.page+"/api/chat", evil)
	assert.Equal(t, http.StatusForbidden, response.StatusCode, "the cookie alone lets no other site ask")
	response, _ = ask(t, "GET", w.page+"/api/about", http.Header{"Cookie": token(good)["Cookie"], "X-Kservegen-Chat": {""}})
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	w.clock.pass(time.Hour + time.Second)
	response, body := ask(t, "GET", w.page+"/api/about", token(good))
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Contains(t, body, "has expired")
}

// TestIssuerAway: the page is there before its issuer, says so, and needs no restart.
func TestIssuerAway(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, nil), browser{}
	w.issuer.change(func() { w.issuer.down = true })
	ended := make(chan struct{})
	go func() {
		w.oidc.Watch(t.Context())
		close(ended)
	}()
	require.Eventually(t, func() bool { return w.said.String() != "" }, 10*time.Second, time.Millisecond)
	assert.Contains(t, w.said.String(), "issuer "+w.issuer.url+" cannot be asked: the issuer does not answer: 503 Service Unavailable: down for repair")
	response, _ := b.get(t, "GET", w.page+"/", nil)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	response, body := b.get(t, "GET", w.page+"/auth/login", nil)
	assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	assert.Equal(t, "10", response.Header.Get("Retry-After"))
	assert.Contains(t, body, "the issuer does not answer; try again")
	assert.NotContains(t, body, "down for repair", "why is for the log")
	response, body = ask(t, "GET", w.page+"/api/about", token(w.issuer.made(nil)))
	assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	assert.Contains(t, body, `"code":"issuer_unreachable"`)
	assert.NotContains(t, body, "down for repair")
	asked := w.issuer.count("/.well-known/openid-configuration")
	for range 50 {
		b.get(t, "GET", w.page+"/auth/login", nil)
	}
	assert.LessOrEqual(t, w.issuer.count("/.well-known/openid-configuration"), asked+1, "an issuer that is away is not flooded")

	w.issuer.change(func() { w.issuer.down = false })
	w.clock.pass(pause)
	response, body = b.get(t, "GET", w.begun(t, b), nil)
	assert.Equal(t, http.StatusSeeOther, response.StatusCode, body)
	<-ended
	assert.Contains(t, w.said.String(), "issuer "+w.issuer.url+" answers")

	w.issuer.change(func() { w.issuer.down = true })
	w.clock.pass(30 * time.Minute)
	response, _ = b.get(t, "GET", w.page+"/api/about", nil)
	assert.Equal(t, http.StatusOK, response.StatusCode, "who is signed in stays so while the issuer is away")
}

// TestKeys: a key that is new is found, a flood of bad tokens does not become one of requests to the issuer, and one that the
// issuer has given up is forgotten.
func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	status := func(value string) int {
		response, _ := ask(t, "GET", w.page+"/api/about", token(value))
		return response.StatusCode
	}
	old := w.issuer.made(func(c map[string]any) { c["exp"] = c["iat"].(int64) + 100_000 })
	require.Equal(t, http.StatusOK, status(old))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for range 100 {
		assert.Equal(t, http.StatusUnauthorized, status(sign(other, "x", jose.ES256, w.issuer.base())))
	}
	assert.Equal(t, 1, w.issuer.count("/keys"))
	w.issuer.rotate(t, "second")
	w.clock.pass(pause)
	assert.Equal(t, http.StatusOK, status(w.issuer.made(nil)))
	assert.Equal(t, 2, w.issuer.count("/keys"))
	assert.Equal(t, http.StatusUnauthorized, status(old))

	w.issuer.rotate(t, "third")
	w.clock.pass(fresh + time.Second)
	status(w.issuer.made(nil))
	require.Eventually(t, func() bool { return w.issuer.count("/keys") >= 3 }, 10*time.Second, time.Millisecond, "without a bad signature, too")
}

// TestNoOpenRedirect: wherever a link leads, a sign-in ends at the page.
func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	w, b := newWorld(t, nil), browser{}
	for _, query := range []string{"?next=//evil.example", "?redirect_uri=https://evil.example", "?rd=/%5Cevil.example"} {
		response, _ := b.get(t, "GET", w.page+"/auth/login"+query, nil)
		assert.True(t, strings.HasPrefix(response.Header.Get("Location"), w.issuer.url+"/authorize?"))
		assert.NotContains(t, response.Header.Get("Location"), "evil")
	}
	response, _ := b.get(t, "GET", w.begun(t, b)+"&next=//evil.example", nil)
	assert.Equal(t, "/", response.Header.Get("Location"))
	for _, host := range []string{"evil.example", "chat.example.com.evil.example", "10.0.0.7"} {
		response, _ = b.get(t, "GET", w.page+"/auth/login", http.Header{"Host": {host}, "X-Forwarded-Host": {"chat.example.com"}})
		assert.Equal(t, http.StatusMisdirectedRequest, response.StatusCode, host)
	}
	response, _ = b.get(t, "GET", w.page+"/auth/login", http.Header{"Host": {"chat.example.com"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"http"}})
	to, err := url.Parse(response.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "https://chat.example.com/auth/callback", to.Query().Get("redirect_uri"))
}

func TestRedirectURI(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"chat.example.com": "https://chat.example.com/auth/callback", "chat.example.com:443": "https://chat.example.com/auth/callback",
		"chat.example.com:8443": "https://chat.example.com:8443/auth/callback", "localhost:8710": "http://localhost:8710/auth/callback",
		"127.0.0.1": "http://127.0.0.1/auth/callback", "[::1]:8710": "http://[::1]:8710/auth/callback", "[::1]": "http://[::1]/auth/callback",
		"": "", "chat.example.com:x@evil.example": "", "chat.example.com:443/evil": "", "a@evil.example": "", "chat.example.com:99999": "", "evil.example/": "", `a\b`: "",
	} {
		got, err := redirectURI(host)
		assert.Equal(t, want, got, host)
		assert.Equal(t, want == "", err != nil, host)
	}
}

// TestNavigated: a page can neither embed nor fetch a sign-in, and so not end another's.
func TestNavigated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for mode, want := range map[string]int{"no-cors": 403, "cors": 403, "same-origin": 403, "navigate": 302, "": 302} {
		response, _ := browser{}.get(t, "GET", w.page+"/auth/login", http.Header{"Sec-Fetch-Mode": {mode}})
		assert.Equal(t, want, response.StatusCode, mode)
		assert.Equal(t, want == 302, len(response.Cookies()) == 1)
	}
	response, _ := browser{}.get(t, "POST", w.page+"/auth/callback", nil)
	assert.NotEqual(t, http.StatusSeeOther, response.StatusCode)
}

func TestIssuersThatAreRefused(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for says, change := range map[string]func(*Issuer){
		"is no https URL":     func(i *Issuer) { i.URL = "issuer.example.com" },
		"is no https URL as":  func(i *Issuer) { i.URL = "https://user@issuer.example.com" },
		"is no https":         func(i *Issuer) { i.URL = "https://issuer.example.com?x=1" },
		"by plain HTTP":       func(i *Issuer) { i.URL = "http://issuer.example.com" },
		"plain HTTP, where":   func(i *Issuer) { i.URL = "http://evil.example/.svc" },
		"the client's ID":     func(i *Issuer) { i.ClientID = "" },
		"lack openid":         func(i *Issuer) { i.Scopes = []string{"profile"} },
		"no such file":        func(i *Issuer) { i.SecretFile = empty + "x" },
		empty + " is empty; ": func(i *Issuer) { i.SecretFile = empty },
	} {
		config := Issuer{URL: "https://issuer.example.com", ClientID: "x", Scopes: []string{"openid"}}
		change(&config)
		_, err := NewOIDC(config, nil)
		require.ErrorContains(t, err, says)
	}
	_, err := NewOIDC(Issuer{URL: "http://issuer.llm.svc.cluster.local:5556/dex", ClientID: "x", Scopes: []string{"openid"}}, nil)
	require.NoError(t, err)
}

// TestConfigurationsThatAreRefused: an issuer leads neither elsewhere in name nor down to plain HTTP.
func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	for says, more := range map[string]map[string]any{
		"did not match the issuer URL":     {"issuer": "https://evil.example"},
		"token endpoint of http":           {"token_endpoint": "http://evil.example/token"},
		"authorization endpoint of http":   {"authorization_endpoint": "javascript:alert(1)"},
		"the key set of http":              {"jwks_uri": ""},
		"is at plain HTTP":                 {"jwks_uri": "http://evil.example/keys"},
		"its configuration cannot be read": {"token_endpoint_auth_methods_supported": 7},
	} {
		w := newWorld(t, nil)
		w.issuer.change(func() { w.issuer.more = more })
		_, err := w.oidc.source.keys.value(t.Context())
		require.ErrorIs(t, err, errAway)
		require.ErrorContains(t, err, says)
	}
	s := newSource("https://issuer.example.com", time.Now, nil)
	require.NoError(t, s.safe("x", "https://keys.example.com/"))
	require.ErrorContains(t, s.safe("x", "http://127.0.0.1/"), "is at plain HTTP", "not even of this machine")
	assert.Equal(t, []string{"RS256"}, signing([]string{"none", "HS256"}))
	assert.Equal(t, []string{"ES256", "PS256"}, signing([]string{"none", "PS256", "HS256", "ES256"}))
}

// FuzzAttempt: whatever a browser sends, an attempt has secrets that nobody guesses, and is what its cookie was.
func FuzzAttempt(f *testing.F) {
	f.Add(attemptCookie + "=" + begin().cookie().Value)
	f.Add(attemptCookie + "=..; " + attemptCookie + "=" + strings.Repeat("a", 30))
	f.Fuzz(func(t *testing.T, sent string) {
		r := &http.Request{Header: http.Header{"Cookie": {sent}}}
		got, err := attemptOf(r)
		if err != nil {
			require.Equal(t, attempt{}, got)
			return
		}
		require.GreaterOrEqual(t, len(got.state), secretLength)
		require.GreaterOrEqual(t, len(got.nonce), secretLength)
		require.GreaterOrEqual(t, len(got.verifier), verifierLength)
		again, err := parseAttempt(got.cookie().Value)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
