package spec

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// SignIn is how people show who they are, one of both. An environment that names the other one has nothing of spec's.
type SignIn struct {
	// OIDC sends them to an OpenID Connect issuer, and the mesh refuses the page's API to everybody else.
	OIDC *OIDC `json:"oidc,omitempty"`
	// Basic asks for names and passwords of a Secret. For tests.
	Basic *Basic `json:"basic,omitempty"`
}

// OIDC is an OpenID Connect issuer, and the page as its client, whose redirect URI is https://<host>/auth/callback.
type OIDC struct {
	// Issuer, the iss claim: https, or http of a Service (.svc or .svc.cluster.local).
	Issuer string `json:"issuer,omitempty"`
	// ClientID of the page at the issuer; the aud claim of its tokens names it.
	ClientID string `json:"clientId,omitempty"`
	// Secret in the namespace, which must exist, with the key client-secret. Default: none; the page is a public client.
	Secret string `json:"secret,omitempty"`
	// Scopes that are asked for; openid is one of them. Default: openid.
	Scopes []string `json:"scopes,omitempty"`
	// JWKSURI is where the mesh has the issuer's keys from. Default: by OpenID discovery from the issuer.
	JWKSURI string `json:"jwksUri,omitempty"`
	// JWKS holds public keys inline for the mesh, where istiod cannot reach the issuer. The page reaches it itself.
	JWKS string `json:"jwks,omitempty"`
}

// Basic is names and passwords.
type Basic struct {
	// Secret in the namespace, which must exist, with the key htpasswd: lines of user:hash, by bcrypt (htpasswd -B -C 12).
	Secret string `json:"secret,omitempty"`
}

const (
	openID = "openid"

	httpPort, httpsPort = 80, 443
)

// scopeToken is of RFC 6749, 3.3, but for the comma, which divides the values of a flag.
var scopeToken = regexp.MustCompile(`^[!#-+\--\[\]-~]+$`)

func (r *resolver) checkSignIn(s *SignIn) {
	const path = "spec.chat.signIn"
	switch {
	case s == nil || s.OIDC == nil && s.Basic == nil:
		r.failf(path, "is missing; the page is open to whoever reaches the gateway otherwise: name oidc, or basic for a test")
	case s.OIDC != nil && s.Basic != nil:
		r.failf(path, "oidc and basic are two ways to sign in; keep one")
	case s.Basic != nil:
		r.checkSecretName(path+".basic.secret", s.Basic.Secret, "is missing; a Secret with the key "+ChatUsersKey+", of lines that htpasswd -nB prints")
	default:
		r.checkOIDC(s.OIDC)
	}
}

func (r *resolver) checkSecretName(path, name, missing string) {
	switch {
	case name == "":
		r.failf(path, "%s", missing)
	case len(validation.IsDNS1123Subdomain(name)) > 0:
		r.failf(path, "%q is not the name of a Secret", name)
	}
}

func (r *resolver) checkOIDC(o *OIDC) {
	const path = "spec.chat.signIn.oidc"
	r.checkIssuerURL(path+".issuer", o.Issuer)
	if o.ClientID == "" {
		r.failf(path+".clientId", "is missing; the name of the page at the issuer")
	}
	r.checkArgument(path+".clientId", o.ClientID)
	if o.Secret != "" {
		r.checkSecretName(path+".secret", o.Secret, "")
	}
	if len(o.Scopes) == 0 {
		o.Scopes = []string{openID}
	}
	for i, scope := range o.Scopes {
		at := fmt.Sprintf("%s.scopes[%d]", path, i)
		if !scopeToken.MatchString(scope) {
			r.failf(at, "%q is not a scope", scope)
		}
		r.checkArgument(at, scope)
	}
	if !slices.Contains(o.Scopes, openID) {
		r.failf(path+".scopes", "must have %s, without which there is no ID token", openID)
	}
	r.checkKeySource(path, o.JWKSURI, o.JWKS)
}

// checkIssuerURL wants what OpenID Connect calls an issuer. https://openid.net/specs/openid-connect-discovery-1_0.html#IssuerDiscovery
func (r *resolver) checkIssuerURL(path, issuer string) {
	if issuer == "" {
		r.failf(path, "is missing; the URL of the issuer, for example https://login.example.com/realms/llm")
		return
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?# ") || (u.Scheme != "https" && u.Scheme != "http"):
		r.failf(path, "%q is not an issuer's URL: https, without a password, a query or a fragment", issuer)
	case u.Scheme == "http" && !inCluster(u.Hostname()):
		r.failf(path, "%q would give the page's secret and codes to whoever listens; use https", issuer)
	case strings.HasSuffix(issuer, "*"): // Istio reads a star at the end of a principal as a pattern
		r.failf(path, "%q must be exact", issuer)
	case u.Port() != "" && !isPort(u.Port()):
		r.failf(path, "%q has no port between 1 and 65535", issuer)
	}
	r.checkArgument(path, issuer)
}

func isPort(text string) bool {
	port, err := strconv.Atoi(text)
	return err == nil && port > 0 && port < 1<<16
}

// inCluster reports whether a host is a Service's, which the mesh can encrypt the way to.
func inCluster(host string) bool {
	return strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".svc.cluster.local")
}

// Port of the issuer, that of the scheme where its URL says none.
func (o *OIDC) Port() int {
	u, err := url.Parse(o.Issuer)
	if err != nil {
		return httpsPort
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	if u.Scheme == "http" {
		return httpPort
	}
	return httpsPort
}

// checkArgument refuses what an argument of a container does not keep: Kubernetes replaces $(NAME) in it.
func (r *resolver) checkArgument(path, value string) {
	if strings.Contains(value, "$(") {
		r.failf(path, "%q holds $(, which Kubernetes reads as a variable", value)
	}
	if strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.failf(path, "%q must be of visible ASCII characters", value)
	}
}
