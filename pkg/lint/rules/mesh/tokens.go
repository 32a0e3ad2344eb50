package mesh

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func tokenNotRequired() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0405", Name: "token-not-required", Level: finding.Warning,
			Summary: "Where tokens are checked, a policy requires one.",
			Why: "RequestAuthentication refuses invalid tokens only; a request without any passes. " +
				"It takes an AuthorizationPolicy on requestPrincipals to refuse those.",
			How:   `Add an AuthorizationPolicy for the same pods that allows requestPrincipals: ["*"], or denies notRequestPrincipals: ["*"].`,
			Refs:  []string{"istio: docs/reference/config/security/request_authentication"},
			Whole: true,
			Kinds: []rule.Kind{rule.RequestAuthentication, rule.AuthorizationPolicy},
		},
		Check: func(c *rule.Context) {
			for _, authentication := range c.Objects(rule.RequestAuthentication) {
				required := false
				for _, policy := range c.Objects(rule.AuthorizationPolicy) {
					required = required || policy.Namespace == authentication.Namespace && usesToken(policy) && overlap(policy, authentication)
				}
				if rules := authentication.Field("spec", "jwtRules"); rules.Len() > 0 && !required {
					c.Report(rules, "no AuthorizationPolicy of %s requires a token, so requests without one pass", rule.InNamespace(authentication.Namespace))
				}
			}
		},
	}
}

func tokenNotChecked() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0413", Name: "token-not-checked", Level: finding.Warning,
			Summary: "Where a policy requires a token, a RequestAuthentication checks it.",
			Why: "Without a RequestAuthentication for the same pods no request has a principal of its token: a policy that requires one refuses everybody. " +
				"One in Istio's root namespace, which the set may not hold, would serve as well.",
			How:   "Add a RequestAuthentication for the same pods.",
			Refs:  []string{"istio: docs/concepts/security (request authentication)"},
			Whole: true,
			Kinds: []rule.Kind{rule.RequestAuthentication, rule.AuthorizationPolicy},
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				checked := false
				for _, authentication := range c.Objects(rule.RequestAuthentication) {
					checked = checked || authentication.Namespace == policy.Namespace && overlap(policy, authentication)
				}
				if checked || !rule.Allows(policy) {
					continue
				}
				for source := range sources(policy) {
					if principals := source.Field("requestPrincipals"); principals.Len() > 0 {
						c.Report(principals, "no RequestAuthentication of %s checks tokens, so nobody has such a principal", rule.InNamespace(policy.Namespace))
					}
				}
			}
		},
	}
}

func usesToken(policy *rule.Object) bool {
	for source := range sources(policy) {
		if source.Field("requestPrincipals").Len() > 0 || source.Field("notRequestPrincipals").Len() > 0 {
			return true
		}
	}
	for entry := range policy.Field("spec", "rules").Items() {
		for when := range entry.Field("when").Items() {
			if strings.HasPrefix(when.Field("key").Text(), "request.auth.") {
				return true
			}
		}
	}
	return false
}

// overlap says whether two policies may apply to one pod: no label is asked to have two values.
func overlap(a, b *rule.Object) bool {
	other := b.Field("spec", "selector", "matchLabels").Map()
	for key, value := range a.Field("spec", "selector", "matchLabels").Map() {
		if theirs, ok := other[key]; ok && theirs != value {
			return false
		}
	}
	return true
}
