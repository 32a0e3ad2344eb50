package chat

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func noSignIn() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1501", Name: "page-without-sign-in", Level: finding.Error,
			Summary: "To a page that a route leads to people can sign in.",
			Why: "Without --users-file and --oidc-issuer-url the page demands a token that each pod makes anew when it starts and that only its log has: " +
				"who comes by the route gets 401, and of two pods one does not take the other's.",
			How:   "Give the page --users-file, or --oidc-issuer-url and --oidc-client-id.",
			Refs:  []string{"kservegen: docs/chat-cluster.md"},
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry)...),
		},
		Check: func(c *rule.Context) {
			for _, page := range direct(c) {
				if routers := routersTo(c, page); len(routers) > 0 && !signsIn(page) {
					c.Report(page.Container.Strongest(), "%s leads to the page, and nobody who comes by it can sign in", routers[0])
				}
			}
		},
	}
}

// signsIn says whether people sign in at a page, one way or the other.
func signsIn(page rule.ChatPage) bool { return has(page, "users-file") || has(page, "oidc-issuer-url") }

// has says whether a page is given a flag.
func has(page rule.ChatPage, name string) bool {
	_, told := page.Flag(name)
	return told
}

// cookie has the token of who signed in (pkg/chat/web/signin).
const cookie = "__Secure-kservegen-chat"

func signInsDisagree() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1508", Name: "sign-in-disagrees", Level: finding.Error,
			Summary: "The mesh takes the tokens that people get when they sign in to a page.",
			Why: "The sidecar checks a token before the page sees it. It answers 401 to one of an issuer that no jwtRules name and 403 to one that is for another audience than those listed, " +
				"and looks for tokens in the Authorization header and a query parameter alone unless fromCookies names the page's cookie: then nobody who signed in is anybody to an AuthorizationPolicy, and every question gets 403.",
			How: "Write the issuer and the client of the page's flags into jwtRules, and fromCookies: [" + cookie + "].",
			Refs: []string{
				"istio: docs/reference/config/security/jwt (JWTRule)", "envoy: source/extensions/filters/http/jwt_authn/extractor.cc",
			},
			Kinds: rule.WorkloadKinds(rule.RequestAuthentication, rule.AuthorizationPolicy),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				if issuer, signs := page.Flag("oidc-issuer-url"); signs {
					checkTokens(c, page, issuer.Value)
					checkPrincipals(c, page, issuer.Value)
				}
			}
		},
	}
}

// checkTokens looks at what the sidecars of a page know of tokens. Rules of several objects hold together.
func checkTokens(c *rule.Context, page rule.ChatPage, issuer string) {
	var others []rule.Value
	known := false
	for _, authentication := range c.Objects(rule.RequestAuthentication) {
		if !selects(authentication, page.Workload) {
			continue
		}
		for entry := range authentication.Field("spec", "jwtRules").Items() {
			if entry.Field("issuer").Text() != issuer {
				others = append(others, entry.Field("issuer"))
				continue
			}
			known = true
			checkJWTRule(c, page, entry)
		}
	}
	if !known && len(others) > 0 {
		c.Report(others[0], "people sign in to %s at %s", page.Object, issuer)
	}
}

func checkJWTRule(c *rule.Context, page rule.ChatPage, entry rule.Value) {
	cookies := entry.Field("fromCookies")
	if !anyLike(cookies, cookie) {
		at := cookies
		if !cookies.Found() {
			at = entry
		}
		c.Report(at, "%s keeps the token in the cookie %s, which is not read", page.Object, cookie)
	}
	client, _ := page.Flag("oidc-client-id")
	if audiences := entry.Field("audiences"); audiences.Len() > 0 && client.Value != "" && !anyLike(audiences, client.Value) {
		c.Report(audiences, "tokens of %s are for %s", page.Object, client.Value)
	}
}

// checkPrincipals looks at whom the policies of a page demand: issuer and subject with a slash between them.
func checkPrincipals(c *rule.Context, page rule.ChatPage, issuer string) {
	var first rule.Value
	for _, policy := range c.Objects(rule.AuthorizationPolicy) {
		if !rule.Allows(policy) || !selects(policy, page.Workload) {
			continue
		}
		for source := range policy.All("spec", "rules", "*", "from", "*", "source") {
			demanded := source.Field("requestPrincipals")
			for _, pattern := range demanded.Strings() {
				// One for a single subject is taken for the right one where it begins as the issuer's do.
				if rule.Like(pattern, issuer+"/") || len(pattern) > len(issuer) && pattern[:len(issuer)+1] == issuer+"/" {
					return
				}
			}
			if demanded.Len() > 0 && first.Object() == nil {
				first = demanded
			}
		}
	}
	if first.Object() != nil {
		c.Report(first, "people who sign in to %s are %s/ and their subject", page.Object, issuer)
	}
}

func closedToStrangers() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1516", Name: "sign-in-takes-sign-in", Level: finding.Error,
			Summary: "Who has not signed in gets to the page, and to where people sign in.",
			Why: "A browser has no token before the issuer sent it back to /auth/callback. Where each ALLOW policy of the page's pods demands requestPrincipals, whatever the path, " +
				"everybody gets 403 `RBAC: access denied` in the place of the page, and nobody can sign in.",
			How:   "Let the gateway in without a token to all but /api/*: notPaths: [/api/*].",
			Refs:  []string{"istio: docs/reference/config/security/authorization-policy (Operation.notPaths)", "kservegen: pkg/chat/web/signin"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.AuthorizationPolicy),
		},
		Check: func(c *rule.Context) {
			for _, page := range pages(c) {
				if page.SignsInByToken() {
					checkStrangers(c, page)
				}
			}
		},
	}
}

// checkStrangers reports the first policy by name where none lets somebody in to a path that people need before they sign in.
func checkStrangers(c *rule.Context, page rule.ChatPage) {
	for _, path := range []string{"/", "/auth/login", "/auth/callback"} {
		var first *rule.Object
		open := false
		for _, policy := range c.Objects(rule.AuthorizationPolicy) {
			if !rule.Allows(policy) || !selects(policy, page.Workload) {
				continue
			}
			for entry := range policy.Field("spec", "rules").Items() {
				open = open || takesStrangers(entry.Field("from")) && takesRequest(entry.Field("to"), "GET", path)
			}
			if first == nil || policy.Name < first.Name {
				first = policy
			}
		}
		if first != nil && !open {
			c.Report(first.Field("spec"), "no policy of %s lets anybody in to %s without a token", page.Object, path)
			return
		}
	}
}

// takesStrangers says whether from takes callers without a token.
func takesStrangers(from rule.Value) bool {
	for entry := range from.Items() {
		if entry.Field("source", "requestPrincipals").Len() == 0 {
			return true
		}
	}
	return from.Len() == 0
}
