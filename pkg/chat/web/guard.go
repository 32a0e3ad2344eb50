package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// policy allows the page's own files and nothing else. What a model writes is text to the page, and were it ever markup,
// no script, style, picture or address in it would be taken; Trusted Types refuse the assignments that make markup of text.
func policy() string {
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		"require-trusted-types-for 'script'", "trusted-types 'none'",
	}, "; ")
}

// harden sets what is the same for each answer.
func harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      policy(),
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
			"Cache-Control":                "no-store",
		} {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

// knownHost refuses names that others may point here. A page of evil.example whose name turns to 127.0.0.1 is of one origin
// with this server in the browser's eyes; only the Host header tells (DNS rebinding). An address cannot be turned, but
// without a token only those of this machine are let in.
func knownHost(names []string, token bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := Hostname(r.Host)
		address, err := netip.ParseAddr(host)
		if Loopback(host) || (token && err == nil && address.Zone() == "") || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) }) {
			next.ServeHTTP(w, r)
			return
		}
		Refuse(w, http.StatusMisdirectedRequest, "unknown_host", "this server does not know itself under the name in the address; open it by 127.0.0.1, or start it with that name (--listen-host)")
	})
}

// Hostname is a Host header, or an address, without its port and brackets.
func Hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// Loopback tells the names of this machine itself.
func Loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && address.IsLoopback())
}

// spelled refuses paths that are written otherwise than they need be. No file of the page has any to escape, and to who reads a path before
// this server does /%61pi/chat may be none of its API: the policies of a mesh that normalizes nothing (Istio's pathNormalization NONE).
func spelled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawPath != "" {
			Refuse(w, http.StatusNotFound, "not_found", "there is no such path; the chat is at /")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// asked is a header that only scripts of the page itself can set: others would have to ask first (CORS), and nobody answers.
const asked = "X-Kservegen-Chat"

// SameOrigin lets in what the page itself asks (cross-site request forgery).
func SameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !fromHere(r):
			Refuse(w, http.StatusForbidden, "cross_origin", "only the chat's own page may ask this server")
		case r.Header.Get(asked) == "":
			Refuse(w, http.StatusForbidden, "header_missing", "the request has no header "+asked)
		case r.Method == http.MethodPost && !isJSON(r):
			Refuse(w, http.StatusUnsupportedMediaType, "not_json", "the request's Content-Type is not application/json")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// fromHere judges by what browsers say of themselves and scripts cannot change. Programs say neither.
func fromHere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	from, err := url.Parse(origin)
	return err == nil && from.Host != "" && strings.EqualFold(from.Host, r.Host)
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// demandToken compares digests, so that neither the time it takes nor the length tells anything of the token.
func demandToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(given))
		if !bearer || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			w.Header().Set("Www-Authenticate", "Bearer")
			Refuse(w, http.StatusUnauthorized, "token", "the token is missing or wrong; it is in the link that the program printed when it started")
			return
		}
		next.ServeHTTP(w, r)
	})
}
