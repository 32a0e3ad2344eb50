package cli

import "github.com/spf13/cobra"

func newCanary(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "canary",
		Short: "Ship the next revision of a model step by step",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCanaryAnalyze(s))
	return cmd
}
