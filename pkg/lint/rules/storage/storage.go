// Package storage holds the rules about where models are loaded from and with which credentials.
package storage

import "github.com/kservegen/kservegen/pkg/lint/rule"

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		twoSources(), unsupportedScheme(), tokenOutOfReach(), endpointWithRole(), unreadAnnotations(), smallInitializer(),
		modelElsewhere(), oneNodeClaim(), floatingWeights(), unusedVolume(), missingVolume(), otherAccount(),
		claimTwice(), keptForAnother(), otherZone(), lustreLocks(), lustreMode(), prefixOfAnother(),
	}
}
