package cli

import "github.com/spf13/cobra"

func newCanary(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "canary",
		Short: "Ship the next revision step by step, each a small edit of the document and its tree",
		Long: `Each step edits the document where it stands, renders the tree, and writes both or neither. With --commit it
becomes one commit. A step says first what must hold, and changes nothing where that doesn't.`,
		Example: `  kservegen canary start -f deepseek.yaml --name v2 --set runtime.args.max-num-seqs=128
  kservegen canary step -f deepseek.yaml --commit
  kservegen canary analyze -f deepseek.yaml --env production --prometheus http://localhost:9090
  kservegen canary run -f deepseek.yaml --env production --prometheus http://localhost:9090
  kservegen canary abort -f deepseek.yaml --commit --push`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCanarySteps(s)...)
	cmd.AddCommand(newCanaryAnalyze(s), newCanaryRun(s), newCanaryManifest(s), newCanaryHistory(s), newStatus(s))
	return cmd
}
