package spec

import (
	"regexp"
	"slices"
)

var (
	// cookieName is a token. https://datatracker.ietf.org/doc/html/rfc6265#section-4.1.1
	cookieName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	// claimName has room for names of RFC 7519 and for URIs, and for nothing that JSON escapes.
	claimName = regexp.MustCompile(`^[0-9A-Za-z_.:/~#@-]+$`)
)

// WritesBucket reports that the gateway is to write the sticky bucket.
func (t Target) WritesBucket() bool { return t.Sticky != nil && t.Sticky.From != nil }

// checkStickyFrom checks what a bucket is to be made of, and that the gateway can.
func (r *resolver) checkStickyFrom() {
	const path = "spec.sticky.from"
	from := r.spec.Sticky.From
	if from == nil {
		return
	}
	given := slices.DeleteFunc([]string{from.Cookie, from.Claim, from.Header}, func(name string) bool { return name == "" })
	if len(given) != 1 {
		r.failf(path, "wants one of cookie, claim and header, and has %d: a user has one bucket (null takes away what an environment has of spec)", len(given))
	}
	if from.Cookie != "" && !cookieName.MatchString(from.Cookie) {
		r.failf(path+".cookie", "%q is not the name of a cookie: letters, digits and !#$%%&'*+-.^_`|~", from.Cookie)
	}
	if from.Header != "" {
		r.checkHeaderName(path+".header", from.Header)
		if from.Header == r.spec.Sticky.Header {
			r.failf(path+".header", "%s is the bucket's own header (spec.sticky.header); name the one that says who the user is", from.Header)
		}
	}
	if from.Claim != "" {
		r.checkStickyClaim(from.Claim)
	}
	switch e := r.spec.Expose; {
	case e == nil:
		r.failf(path, "the gateway writes the bucket, and none is named; set spec.expose, or let callers set %s", r.spec.Sticky.Header)
	case e.OfGatewayAPI() && e.GatewayClass != defaultGatewayClass:
		r.failf(path, "gateways of class %s are not Istio's, which runs the script that writes the bucket; let yours set %s, and leave from out", e.GatewayClass, r.spec.Sticky.Header)
	}
}

func (r *resolver) checkStickyClaim(claim string) {
	const path = "spec.sticky.from.claim"
	if !claimName.MatchString(claim) {
		r.failf(path, "%q is not the name of a claim: letters, digits and _.:/~#@-", claim)
	}
	if r.spec.Security.JWT == nil {
		r.failf(path, "is of tokens that nobody checks: a client could write itself one, and choose its bucket; set spec.security.jwt")
	}
}
