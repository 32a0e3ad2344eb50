package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/spec"
)

func newSchema(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON schema of the document, for editors",
		Long:    "Print the JSON schema of a ModelDeployment. `kservegen init` names kservegen.schema.json in its first line.",
		Example: `  kservegen schema > kservegen.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(s.Out, spec.Schema())
			return err
		},
	}
}
