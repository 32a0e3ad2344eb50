package cli

import (
	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/validate"
)

// checkOptions choose what validate checks, and against which versions.
type checkOptions struct{}

func (*checkOptions) register(*cobra.Command) {}

// checks returns the checks in their order, and the rules that explain their codes.
func (*checkOptions) checks() ([]validate.Check, []finding.Rule, error) {
	return nil, nil, nil
}

// rules are all that explain knows, in the order of the codes.
func rules() []finding.Rule {
	return validate.Rules()
}
