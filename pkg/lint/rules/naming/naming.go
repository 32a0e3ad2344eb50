// Package naming holds the rules about names and labels.
package naming

import "github.com/kservegen/kservegen/pkg/lint/rule"

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{nameLength(), portProtocol(), grpcName(), controlPlane(), modelName()}
}
