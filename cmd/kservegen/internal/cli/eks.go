package cli

import "github.com/spf13/cobra"

// newEKS is the parent of what a cluster on Amazon EKS needs besides the tree.
func newEKS(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eks",
		Short: "Write what the documents need of AWS, outside of the tree",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEKSIdentity(s), newEKSCluster(s))
	return cmd
}
