package mesh

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func principalAsURI() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0419", Name: "principal-with-scheme", Level: finding.Error,
			Summary: "A principal is written without spiffe://.",
			Why: "istiod puts spiffe:// before each principal, so one that has it matches no certificate: an ALLOW rule lets nobody in, a DENY rule and notPrincipals stop nobody. " +
				"Nothing refuses it.",
			How:   "Write <trust domain>/ns/<namespace>/sa/<account>.",
			Refs:  []string{"istio: pilot/pkg/security/authz/model/generator.go (principal)"},
			Kinds: []rule.Kind{rule.AuthorizationPolicy},
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				for source := range sources(policy) {
					for _, field := range []string{"principals", "notPrincipals"} {
						reportSchemes(c, source.Field(field))
					}
				}
			}
		},
	}
}

func reportSchemes(c *rule.Context, principals rule.Value) {
	for principal := range principals.Items() {
		if without, has := strings.CutPrefix(principal.Text(), "spiffe://"); has {
			c.Report(principal, "no caller has the principal %s; without the scheme it is %s", principal.Text(), without)
		}
	}
}
