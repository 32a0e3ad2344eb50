package signin

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/kservegen/kservegen/pkg/chat/web"
)

// login is the path at which a person signs in, callback the one to which the issuer sends the browser back.
const (
	login    = "/auth/login"
	callback = "/auth/callback"
	signOut  = "/api/sign-out"
)

// exchanges is how many codes are exchanged for tokens at once; more would be nobody's sign-in but somebody's flood.
const exchanges = 16

// Issuer says who knows the people, and as what the page is known there.
type Issuer struct {
	// URL as tokens have it: https://issuer.example.com. Plain HTTP is taken of this machine, and of a Service of the cluster
	// (*.svc, *.svc.cluster.local), whose mesh encrypts.
	URL string
	// ClientID is the page's name at the issuer.
	ClientID string
	// SecretFile has the client's secret; it is read for each sign-in, so that a new one needs no restart. Empty for a public
	// client, which PKCE alone protects.
	SecretFile string
	// Scopes that are asked for, openid among them.
	Scopes []string
}

// OIDC lets in by an OpenID Connect issuer: with a code and PKCE to an ID token, which the browser keeps in a cookie and which is
// verified at each request. The page's files need no sign-in, and have nothing that is not in the program.
type OIDC struct {
	issuer Issuer
	source *source
	// log is for what goes wrong here, failures for what strangers do, who may do it often.
	log, failures Log
	now           func() time.Time
	busy          chan struct{}
}

var _ web.SignIn = (*OIDC)(nil)

// NewOIDC asks nothing yet: the page is served while the issuer is away. Watch says whether it is.
func NewOIDC(i Issuer, log Log) (*OIDC, error) {
	if err := i.check(); err != nil {
		return nil, err
	}
	o := &OIDC{issuer: i, log: log, now: time.Now, busy: make(chan struct{}, exchanges)}
	clock := func() time.Time { return o.now() }
	o.failures = log.seldom(clock)
	o.source = newSource(i.URL, clock, log)
	_, err := i.secret()
	return o, err
}

func (i Issuer) check() error {
	at, err := url.Parse(i.URL)
	switch {
	case err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" || (at.Scheme != "https" && at.Scheme != "http"):
		return fmt.Errorf("the issuer %q is no https URL as https://issuer.example.com", i.URL)
	case at.Scheme == "http" && !near(at.Hostname()):
		return fmt.Errorf("the issuer %s is reached by plain HTTP, where others on the way could sign in as anyone; give its https URL", i.URL)
	case i.ClientID == "" || !printable(i.ClientID):
		return errors.New("the client's ID, by which the issuer knows the page, is empty or has signs that cannot be seen")
	case !slices.Contains(i.Scopes, oidc.ScopeOpenID):
		return fmt.Errorf("the scopes %s lack openid, without which an issuer gives no ID token", strings.Join(i.Scopes, ","))
	}
	return nil
}

// near tells hosts of this machine and of the cluster's Services.
func near(host string) bool {
	return web.Loopback(host) || strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".svc.cluster.local")
}

// secret is the client's, empty for a public client.
func (i Issuer) secret() (string, error) {
	if i.SecretFile == "" {
		return "", nil
	}
	data, err := os.ReadFile(i.SecretFile)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty; put the client's secret there, or name no file for a public client", i.SecretFile)
	}
	return secret, nil
}

// Watch asks the issuer until it answers or the context ends, and says which.
func (o *OIDC) Watch(ctx context.Context) {
	for {
		_, err := o.source.keys.renewed(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Way is what the page is told.
func (o *OIDC) Way() web.Way { return web.Way{Kind: "oidc", Login: login} }

// Guard demands a token of all requests of the API, and answers those of signing in and out.
func (o *OIDC) Guard(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+login, navigated(o.login))
	mux.HandleFunc("GET "+callback, navigated(o.callback))
	mux.Handle("POST "+signOut, web.SameOrigin(http.HandlerFunc(o.signOut)))
	mux.Handle("/api/", o.identified(next))
	mux.Handle("/", next)
	return mux
}

// navigated refuses what a page embeds or fetches: a person goes to these paths. Browsers say so, programs say nothing.
func navigated(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
			web.Refuse(w, http.StatusForbidden, "not_navigated", "this address is for a person to open, not for a page to fetch")
			return
		}
		next(w, r)
	}
}

func (o *OIDC) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := only(r, TokenCookie)
		if err != nil {
			web.Refuse(w, http.StatusUnauthorized, signedOut, err.Error())
			return
		}
		token, err := o.source.verify(r.Context(), o.issuer.ClientID, raw)
		var expired *oidc.TokenExpiredError
		switch {
		case err == nil:
			next.ServeHTTP(w, web.As(r, personOf(token)))
		case errors.Is(err, errAway):
			o.failures.say("a token cannot be checked: %s", quoted(err.Error()))
			w.Header().Set("Retry-After", retryAfter)
			web.Refuse(w, http.StatusServiceUnavailable, "issuer_unreachable", "the sign-in cannot be checked, as "+later)
		case errors.As(err, &expired):
			web.Refuse(w, http.StatusUnauthorized, signedOut, "the sign-in has expired; sign in again")
		default:
			o.failures.say("a token was refused: %s", quoted(err.Error()))
			web.Refuse(w, http.StatusUnauthorized, signedOut, "the sign-in is not one of this page; sign in again")
		}
	})
}

// personOf is who a token is about. Its names may be anything that the person chose; sub is the issuer's own.
func personOf(token *oidc.IDToken) web.Person {
	var names struct {
		Preferred any `json:"preferred_username"`
		Email     any `json:"email"`
	}
	_ = token.Claims(&names) // a token that was verified is JSON
	preferred, _ := names.Preferred.(string)
	email, _ := names.Email.(string)
	return web.Person{ID: token.Subject, Name: short(cmp.Or(preferred, email, token.Subject))}
}

// login sends the browser to the issuer.
func (o *OIDC) login(w http.ResponseWriter, r *http.Request) {
	back, err := redirectURI(r.Host)
	if err != nil {
		failed(w, http.StatusBadRequest, err.Error())
		return
	}
	p, err := o.source.provider.value(r.Context())
	if err != nil {
		o.away(w, err)
		return
	}
	begun := begin()
	http.SetCookie(w, begun.cookie())
	http.Redirect(w, r, begun.address(p.client(o.issuer, "", back)), http.StatusFound)
}

// callback takes a code from the browser that began to sign in, and gives the browser a token for it. It leads to the page and
// nowhere else.
func (o *OIDC) callback(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, (&attempt{}).cookie()) // each is good for one callback
	raw, err := o.token(r)
	switch {
	case errors.Is(err, errAway):
		o.away(w, err)
	case err != nil:
		o.failures.say("sign-in from %s failed: %s", web.Hostname(r.RemoteAddr), quoted(err.Error()))
		failed(w, http.StatusBadRequest, err.Error())
	default:
		http.SetCookie(w, raw)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// token is the cookie for a callback.
func (o *OIDC) token(r *http.Request) (*http.Cookie, error) {
	begun, err := attemptOf(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(begun.state)) != 1 {
		return nil, errors.New("the answer of the issuer is not one to this browser's last sign-in; begin again")
	}
	p, err := o.source.provider.value(r.Context())
	if err != nil {
		return nil, err
	}
	// RFC 9207: who answers says so, where it can.
	if from := query.Get("iss"); (from != "" || p.saysIssuer) && from != o.issuer.URL {
		return nil, errors.New("the answer is one of another issuer")
	}
	if said := query.Get("error"); said != "" {
		return nil, fmt.Errorf("the issuer refuses: %s", short(strings.TrimSpace(said+" "+query.Get("error_description"))))
	}
	raw, err := o.exchange(r, p, begun, query.Get("code"))
	if err != nil {
		return nil, err
	}
	token, err := o.source.verify(r.Context(), o.issuer.ClientID, raw)
	switch {
	case errors.Is(err, errAway):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("the issuer's token is not good: %w", err)
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(begun.nonce)) != 1:
		return nil, errors.New("the issuer's token is not one for this sign-in (its nonce is another); begin again")
	}
	return cookieOf(raw, token.Expiry.Sub(o.now()))
}

// exchange asks the issuer for a token. Its answers to what is wrong may have anything in them, and only their codes are kept.
func (o *OIDC) exchange(r *http.Request, p provider, begun attempt, code string) (string, error) {
	back, err := redirectURI(r.Host)
	if err != nil {
		return "", err
	}
	if code == "" {
		return "", errors.New("the issuer sent no code; begin again")
	}
	secret, err := o.issuer.secret()
	if err != nil {
		o.log.say("the client's secret cannot be read: %v", err)
		return "", errors.New("the client's secret cannot be read; the page's log has more")
	}
	select {
	case o.busy <- struct{}{}:
		defer func() { <-o.busy }()
	default:
		return "", errors.New("too many sign in at once; begin again in a minute")
	}
	return o.source.exchange(r.Context(), p.client(o.issuer, secret, back), code, begun.verifier)
}

func (o *OIDC) signOut(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, tokenCookieOf("", -1))
	w.WriteHeader(http.StatusNoContent)
}

// away tells a person to wait. Why is for the log: it has names and addresses of the cluster.
func (o *OIDC) away(w http.ResponseWriter, err error) {
	o.failures.say("nobody can sign in: %s", quoted(err.Error()))
	w.Header().Set("Retry-After", retryAfter)
	failed(w, http.StatusServiceUnavailable, later)
}
