package signin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/kservegen/kservegen/pkg/chat/web"
)

const (
	// TokenCookie has the ID token; the mesh reads it as well (RequestAuthentication, fromCookies), so that its name and its
	// path are known to others.
	TokenCookie = "__Secure-kservegen-chat"
	tokenPath   = "/api/"
	// attemptCookie is between the page and itself. By its prefix no neighbour of the domain can set it (RFC 6265bis, 4.1.3.2), and
	// make a browser sign in as somebody else.
	attemptCookie = "__Host-kservegen-chat-signin"
	// maxCookie, in bytes, is what browsers take of name and value together (RFC 6265bis, 5.6).
	maxCookie = 4096
	// attemptTime is how long a person may take to sign in.
	attemptTime = 10 * time.Minute
)

// attempt is a sign-in that has begun: what only this browser and the issuer have, against callbacks that others made.
type attempt struct{ state, nonce, verifier string }

func begin() attempt {
	return attempt{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
}

// address is where the issuer asks the person.
func (a attempt) address(client *oauth2.Config) string {
	return client.AuthCodeURL(a.state, oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier))
}

// cookie keeps the attempt in the browser; that of an empty one takes it away. It has to come along when the issuer sends
// the browser back, which is another site's navigation: hence Lax.
func (a attempt) cookie() *http.Cookie {
	c := &http.Cookie{Name: attemptCookie, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode, MaxAge: -1}
	if a.state != "" {
		c.Value, c.MaxAge = strings.Join([]string{a.state, a.nonce, a.verifier}, "."), int(attemptTime.Seconds())
	}
	return c
}

// attemptOf reads the attempt of a browser.
func attemptOf(r *http.Request) (attempt, error) {
	value, err := only(r, attemptCookie)
	if err != nil {
		return attempt{}, errors.New("no sign-in is under way in this browser, or it took longer than 10 minutes; begin again")
	}
	return parseAttempt(value)
}

// parseAttempt takes what cookie made, and nothing that is shorter than a secret.
func parseAttempt(value string) (attempt, error) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 || len(parts[0]) < secretLength || len(parts[1]) < secretLength || len(parts[2]) < verifierLength {
		return attempt{}, errors.New("the sign-in that is under way in this browser is none of this page; begin again")
	}
	return attempt{state: parts[0], nonce: parts[1], verifier: parts[2]}, nil
}

// secretLength is of rand.Text, 128 bits or more; verifierLength is the least of RFC 7636, 4.1.
const (
	secretLength   = 26
	verifierLength = 43
)

// only is the value of a cookie that there is once. A neighbour of the domain can add one of the same name, and the browser does
// not say whose is which.
func only(r *http.Request, name string) (string, error) {
	switch found := r.CookiesNamed(name); len(found) {
	case 0:
		return "", errors.New("nobody is signed in; sign in")
	case 1:
		return found[0].Value, nil
	}
	return "", errors.New("the browser has two sign-ins, one of them of another site of this domain; remove this site's cookies, and sign in again")
}

// fits refuses a token that no browser keeps.
func fits(raw string) error {
	if size := len(TokenCookie) + len(raw); size > maxCookie {
		return fmt.Errorf("the ID token makes a cookie of %d bytes, and browsers take %d; leave groups and other long claims out of it, or ask for fewer scopes", size, maxCookie)
	}
	return nil
}

// cookieOf keeps a token in the browser as long as it is good.
func cookieOf(raw string, left time.Duration) (*http.Cookie, error) {
	seconds := int(left.Seconds())
	if seconds <= 0 {
		return nil, errors.New("the issuer's token has expired already; are the clocks right?")
	}
	return tokenCookieOf(raw, seconds), nil
}

func tokenCookieOf(raw string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: TokenCookie, Value: raw, Path: tokenPath, MaxAge: seconds, HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	}
}

// redirectURI is where the issuer sends the browser back: to the host that it asked, which the page knows as its own. Browsers
// take secure cookies of this machine by plain HTTP, where no TLS is.
func redirectURI(asked string) (string, error) {
	name, port, err := net.SplitHostPort(asked)
	if err != nil {
		name, port = strings.Trim(asked, "[]"), ""
	}
	if _, bad := strconv.ParseUint(port, 10, 16); (port != "" && bad != nil) || name == "" || strings.ContainsAny(name, "/@?#\\%") {
		return "", fmt.Errorf("the address of the page, %s, is none", quoted(asked))
	}
	scheme, standard := "https", "443"
	if web.Loopback(name) {
		scheme, standard = "http", "80"
	}
	if port != "" && port != standard {
		return scheme + "://" + net.JoinHostPort(name, port) + callback, nil
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	return scheme + "://" + name + callback, nil
}

// failed tells a person why there is no sign-in. What strangers said is text.
func failed(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">`+
		`<title>Not signed in</title></head><body><h1>Not signed in</h1><p>`+html.EscapeString(message)+
		`</p><p><a href="`+login+`">Sign in again</a></p></body></html>`+"\n")
}
