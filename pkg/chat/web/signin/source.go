package signin

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

const (
	// askTime is how long an issuer may take for one answer, answerSize how large it may be, in bytes.
	askTime    = 10 * time.Second
	answerSize = 1 << 20
	// maxKeys is more than any issuer signs with: every one is tried.
	maxKeys = 50
	// retryAfter, in seconds, is for the browser while the issuer is away.
	retryAfter = "10"
)

// errAway is why nobody can sign in that may yet.
var errAway = errors.New("the issuer does not answer")

// later is what a person reads then.
const later = "the issuer does not answer; try again in a while (the page's log says why)"

// source is what an issuer says of itself, and with which keys it signs.
type source struct {
	url      string
	http     *http.Client
	now      func() time.Time
	provider *fetched[provider]
	keys     *fetched[*oidc.StaticKeySet]
}

// provider is what the issuer's discovery document has.
type provider struct {
	endpoint   oauth2.Endpoint
	keys       string
	algorithms []string
	// saysIssuer is set where its answers have its name (RFC 9207).
	saysIssuer bool
}

func newSource(issuer string, now func() time.Time, log Log) *source {
	s := &source{url: issuer, now: now}
	s.http = &http.Client{Transport: limited{http.DefaultTransport}, Timeout: askTime, CheckRedirect: s.redirected}
	s.provider = newFetched(now, func(error) {}, s.discover)
	s.keys = newFetched(now, (&turn{log: log, issuer: issuer}).tell, s.readKeys) // which needs what the provider has
	return s
}

// turn says when an issuer goes away, and when it is back.
type turn struct {
	log    Log
	issuer string
	said   string
}

// tell is called by one at a time (fetched.ask).
func (t *turn) tell(err error) {
	switch {
	case err != nil && err.Error() != t.said:
		t.said = err.Error()
		t.log.say("issuer %s cannot be asked: %v", t.issuer, err)
	case err == nil && t.said != "":
		t.said = ""
		t.log.say("issuer %s answers", t.issuer)
	}
}

// limited cuts answers that are too large; what reads them reads to their end.
type limited struct{ http.RoundTripper }

// RoundTrip is that of http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, answerSize), response.Body}
	return response, nil
}

// redirected follows an issuer as far as it is trusted: the client's secret goes nowhere by a redirect, and nothing by plain HTTP.
func (s *source) redirected(r *http.Request, via []*http.Request) error {
	if r.Method != http.MethodGet || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return s.safe("a redirect", r.URL.String())
}

// safe refuses an address by plain HTTP of an issuer by TLS.
func (s *source) safe(what, address string) error {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || (at.Scheme != "https" && at.Scheme != "http") {
		return fmt.Errorf("%s of %s, %s, is no URL", what, s.url, quoted(address))
	}
	if from, _ := url.Parse(s.url); at.Scheme == "http" && (from.Scheme == "https" || !near(at.Hostname())) {
		return fmt.Errorf("%s of %s is at plain HTTP, %s", what, s.url, quoted(address))
	}
	return nil
}

func (s *source) context(ctx context.Context) context.Context { return oidc.ClientContext(ctx, s.http) }

// discover reads the issuer's configuration (OpenID Connect Discovery 1.0).
func (s *source) discover(ctx context.Context) (provider, error) {
	found, err := oidc.NewProvider(s.context(ctx), s.url)
	if err != nil {
		return provider{}, fmt.Errorf("%w: %s", errAway, short(err.Error()))
	}
	var more struct {
		Keys       string   `json:"jwks_uri"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		SaysIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err = found.Claims(&more); err != nil {
		return provider{}, fmt.Errorf("%w: its configuration cannot be read: %s", errAway, short(err.Error()))
	}
	p := provider{endpoint: found.Endpoint(), keys: more.Keys, algorithms: signing(more.Algorithms), saysIssuer: more.SaysIssuer}
	p.endpoint.AuthStyle = oauth2.AuthStyleInParams
	// client_secret_basic is what is meant where nothing is said (OpenID Connect Discovery 1.0, section 3).
	if len(more.Methods) == 0 || slices.Contains(more.Methods, "client_secret_basic") {
		p.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	}
	for what, address := range map[string]string{"the authorization endpoint": p.endpoint.AuthURL, "the token endpoint": p.endpoint.TokenURL, "the key set": p.keys} {
		if err = s.safe(what, address); err != nil {
			return provider{}, fmt.Errorf("%w as it should: %w", errAway, err)
		}
	}
	return p, nil
}

// signing are the algorithms by which a token proves who signed it. Those with a shared secret, and none, do not.
func signing(offered []string) []string {
	var taken []string
	for _, algorithm := range []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA} {
		if slices.Contains(offered, algorithm) {
			taken = append(taken, algorithm)
		}
	}
	if len(taken) == 0 {
		return []string{oidc.RS256} // which every issuer has
	}
	return taken
}

// client is the page at the issuer. A public one says its name in the form.
func (p provider) client(i Issuer, secret, back string) *oauth2.Config {
	c := &oauth2.Config{ClientID: i.ClientID, ClientSecret: secret, Endpoint: p.endpoint, RedirectURL: back, Scopes: i.Scopes}
	if i.SecretFile == "" {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c
}

// readKeys reads the keys that the issuer signs with (RFC 7517). Those that are of no known kind, or not for signatures, are
// passed over.
func (s *source) readKeys(ctx context.Context) (*oidc.StaticKeySet, error) {
	p, err := s.provider.value(ctx)
	if err != nil {
		return nil, err
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err = s.get(ctx, p.keys, &list); err != nil {
		return nil, fmt.Errorf("%w: its keys: %s", errAway, short(err.Error()))
	}
	set := &oidc.StaticKeySet{}
	for _, raw := range list.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.IsPublic() && key.Use != "enc" && len(set.PublicKeys) < maxKeys {
			set.PublicKeys = append(set.PublicKeys, crypto.PublicKey(key.Key))
		}
	}
	if len(set.PublicKeys) == 0 {
		return nil, fmt.Errorf("%w: %s has no key for signatures", errAway, p.keys)
	}
	return set, nil
}

func (s *source) get(ctx context.Context, address string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// exchange asks for the ID token of a code.
func (s *source) exchange(ctx context.Context, client *oauth2.Config, code, verifier string) (string, error) {
	got, err := client.Exchange(s.context(ctx), code, oauth2.VerifierOption(verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode != "":
		return "", fmt.Errorf("the issuer gives no token for its code: %s", short(refused.ErrorCode))
	case errors.As(err, &refused):
		return "", fmt.Errorf("the issuer gives no token for its code: %s", refused.Response.Status)
	case err != nil:
		return "", fmt.Errorf("%w: %s", errAway, short(err.Error()))
	}
	raw, _ := got.Extra("id_token").(string)
	if raw == "" {
		return "", errors.New("the issuer's answer has no ID token; is openid among the scopes?")
	}
	return raw, nil
}

// verify is who a token is about, if this issuer made it for this client and it has not expired. Keys that an issuer has taken
// into use since are asked for when a signature is none by those that are known.
func (s *source) verify(ctx context.Context, clientID, raw string) (*oidc.IDToken, error) {
	if err := fits(raw); err != nil {
		return nil, err
	}
	p, err := s.provider.value(ctx)
	if err != nil {
		return nil, err
	}
	try := &trial{source: s}
	token, err := oidc.NewVerifier(s.url, try, &oidc.Config{ClientID: clientID, SupportedSigningAlgs: p.algorithms, Now: s.now}).Verify(ctx, raw)
	switch {
	case try.away != nil:
		return nil, try.away
	case err != nil:
		return nil, err
	case token.Subject == "":
		return nil, errors.New("the token has no subject")
	}
	if err = meant(token, clientID, raw); err != nil {
		return nil, err
	}
	return token, nil
}

// trial verifies one signature, and remembers why it could not; what calls it makes one error of all.
type trial struct {
	source *source
	away   error
}

// VerifySignature is that of oidc.KeySet.
func (t *trial) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	known, err := t.source.keys.value(ctx)
	if err != nil {
		t.away = err
		return nil, err
	}
	payload, err := known.VerifySignature(ctx, raw)
	if err == nil {
		return payload, nil
	}
	renewed, unread := t.source.keys.renewed(ctx)
	if unread != nil {
		t.away = unread
		return nil, unread
	}
	if renewed == known {
		return nil, err
	}
	return renewed.VerifySignature(ctx, raw)
}

// short is a stranger's sentence in one line that does not fill a page.
func short(text string) string {
	const runes = 200
	line := string(bytes.Join(bytes.Fields([]byte(text)), []byte(" ")))
	if all := []rune(line); len(all) > runes {
		return string(all[:runes]) + "…"
	}
	return line
}
