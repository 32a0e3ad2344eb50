package mesh

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func demandUndone() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0420", Name: "token-demand-undone", Level: finding.Warning,
			Summary: "What one rule lets in with a token alone, no other rule lets in without.",
			Why: "Of ALLOW policies for the same pods one rule that matches is enough, and RequestAuthentication refuses bad tokens only, not missing ones. " +
				"Beside a rule that demands requestPrincipals, one for the same callers and the same paths without them lets every request in that has no token: the demand means nothing.",
			How:   "Demand requestPrincipals in both, or take what needs a token out of the other: notPaths, or other callers.",
			Refs:  []string{"istio: docs/reference/config/security/request_authentication", "istio: docs/concepts/security (implicit enablement)"},
			Kinds: []rule.Kind{rule.AuthorizationPolicy},
		},
		Check: func(c *rule.Context) {
			for _, policy := range c.Objects(rule.AuthorizationPolicy) {
				for demand := range policy.Field("spec", "rules").Items() {
					for source := range demand.All("from", "*", "source") {
						if rule.Allows(policy) && source.Field("requestPrincipals").Len() > 0 && demand.Field("when").Len() == 0 {
							reportUndone(c, policy, source, demand.Field("to"))
						}
					}
				}
			}
		},
	}
}

// reportUndone reports the rules that let the same in as a source with a token does for operations, and ask for none.
func reportUndone(c *rule.Context, policy *rule.Object, source, to rule.Value) {
	for _, other := range c.Objects(rule.AuthorizationPolicy) {
		if !rule.Allows(other) || other.Namespace != policy.Namespace || !wider(other, policy) {
			continue
		}
		for entry := range other.Field("spec", "rules").Items() {
			if entry.Field("when").Len() == 0 && takesCallers(entry.Field("from"), source) && takesOperations(entry.Field("to"), to) {
				c.Report(entry, "it lets in without a token what %s takes one for", policy)
			}
		}
	}
}

// wider says whether a policy is for all pods that another one is for.
func wider(policy, other *rule.Object) bool {
	return !policy.Field("spec", "targetRefs").Found() && !other.Field("spec", "targetRefs").Found() &&
		rule.Selects(policy.Field("spec", "selector", "matchLabels").Map(), other.Field("spec", "selector", "matchLabels").Map())
}

// takesCallers says whether from takes every caller of a source, whatever their tokens. What a source excludes is not looked into: it
// takes fewer.
func takesCallers(from, source rule.Value) bool {
	for entry := range from.Items() {
		if takesAll(entry.Field("source"), source, "principals", "namespaces", "serviceAccounts", "ipBlocks", "remoteIpBlocks") {
			return true
		}
	}
	return from.Len() == 0
}

// takesOperations is the same for to.
func takesOperations(to, others rule.Value) bool {
	if others.Len() == 0 {
		return matchesAll(to, "operation")
	}
	for other := range others.Items() {
		if !takesOperation(to, other.Field("operation")) {
			return false
		}
	}
	return true
}

func takesOperation(to, other rule.Value) bool {
	for entry := range to.Items() {
		if takesAll(entry.Field("operation"), other, "paths", "methods", "ports", "hosts") {
			return true
		}
	}
	return to.Len() == 0
}

// takesAll says whether what fields limit takes all that the same fields of another limit to. Where more is limited, it is
// not said, but for paths that are excluded and none of the other's.
func takesAll(limits, other rule.Value, fields ...string) bool {
	for field, limit := range limits.Entries() {
		switch {
		case field == "notPaths" && other.Field("paths").Len() > 0:
			if slices.ContainsFunc(limit.Strings(), func(excluded string) bool { return meets(excluded, other.Field("paths").Strings()) }) {
				return false
			}
		case !slices.Contains(fields, field) || other.Field(field).Len() == 0:
			return false
		default:
			for _, value := range other.Field(field).Strings() {
				if !slices.ContainsFunc(limit.Strings(), func(pattern string) bool { return pattern == value || pattern == "*" || covers(pattern, value) }) {
					return false
				}
			}
		}
	}
	return true
}

// covers says whether a pattern with a star at its end takes all that another takes.
func covers(pattern, other string) bool {
	prefix, is := strings.CutSuffix(pattern, "*")
	return is && !strings.HasPrefix(other, "*") && strings.HasPrefix(other, prefix)
}

// meets says whether a path that is excluded may be one of others: one begins as the other does before its star.
func meets(excluded string, paths []string) bool {
	if strings.HasPrefix(excluded, "*") || strings.Contains(excluded, "{") {
		return true
	}
	one, open := strings.CutSuffix(excluded, "*")
	return slices.ContainsFunc(paths, func(path string) bool {
		other, wide := strings.CutSuffix(path, "*")
		return path == excluded || strings.HasPrefix(path, "*") || open && strings.HasPrefix(other, one) || wide && strings.HasPrefix(one, other)
	})
}
