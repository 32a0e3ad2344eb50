package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/eks/cluster"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/suggest"
	"github.com/kservegen/kservegen/pkg/txn"
)

func newEKSCluster(s Streams) *cobra.Command {
	var (
		documents         documentFlags
		format, name, dir = cluster.FormatEksctl, "", ""
	)
	cmd := &cobra.Command{
		Use:   "cluster -f DOCUMENT...",
		Short: "Write what makes a cluster for the documents' models",
		Long: `Write what makes the cluster that documents name in spec.platform.eks: its networks over three zones, add-ons, nodes, the
roles of controllers, security groups and endpoints. Only what the documents need is in it. Nothing is sent to AWS.

eksctl is a ClusterConfig, cluster.yaml, and a template of CloudFormation, network.json, for what eksctl doesn't make; without -o
the ClusterConfig alone is written. terraform is one file, cluster.tf.json, with pinned modules of terraform-aws-modules.

Documents may disagree about nothing of which a cluster has one. Where they name several clusters, --cluster chooses.`,
		Example: `  kservegen eks cluster -f deepseek.yaml | eksctl create cluster -f -
  kservegen eks cluster -f deploy/ -o aws
  kservegen eks cluster -f deploy/ --format terraform > cluster.tf.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(cluster.Formats(), format) {
				return usagef("there is no format %q%s", format, suggest.Word(format, cluster.Formats()))
			}
			deployments, err := documents.load(cmd.Context(), s.In)
			if err != nil {
				return err
			}
			wanted, err := spec.ClusterOf(deployments, name)
			if err != nil {
				return err
			}
			files, err := cluster.Files(format, wanted)
			if err != nil {
				return err
			}
			if dir != "" {
				return writeCluster(cmd.Context(), s, dir, files)
			}
			_, err = s.Out.Write(files[0].Data)
			return err
		},
	}
	documents.register(cmd)
	cmd.Flags().StringVar(&format, "format", format, "what to write: "+strings.Join(cluster.Formats(), ", "))
	cmd.Flags().StringVar(&name, "cluster", "", "the cluster, where documents name several")
	cmd.Flags().StringVarP(&dir, "output", "o", "", "directory that all files go to (default: the first to standard output)")
	complete(cmd, "format", cluster.Formats())
	_ = cmd.MarkFlagDirname("output")
	return cmd
}

// writeCluster writes all files or none.
func writeCluster(ctx context.Context, s Streams, dir string, files []cluster.File) error {
	changes := make([]txn.Change, 0, len(files))
	for _, file := range files {
		changes = append(changes, txn.Change{Path: file.Name, Data: file.Data})
	}
	result, err := txn.Commit(ctx, dir, changes, txn.Options{})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "%s written to %s\n", finding.Plural(result.Written, "file"), dir)
	return nil
}
