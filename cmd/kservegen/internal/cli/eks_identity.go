package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/eks/iam"
	"github.com/kservegen/kservegen/pkg/suggest"
)

func newEKSIdentity(s Streams) *cobra.Command {
	var (
		documents       documentFlags
		format, cluster = iam.FormPolicy, ""
	)
	cmd := &cobra.Command{
		Use:   "identity -f DOCUMENT...",
		Short: "Write the IAM roles that the models read their weights with",
		Long: `Write the IAM roles of documents with spec.platform.eks.identity: who may assume each, which is one service account
of one cluster, and what it may read, which is the prefix of the weights. Nothing is sent to AWS.

policy is both policies of each role as JSON. cloudformation and terraform are a template and a file *.tf.json, eksctl is a
ClusterConfig with its section iam, and ack are objects for the AWS Controllers for Kubernetes. Where environments are clusters of
several accounts, --cluster chooses.`,
		Example: `  kservegen eks identity -f deepseek.yaml
  kservegen eks identity -f deploy/ --format terraform > identity.tf.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(iam.Forms(), format) {
				return usagef("there is no format %q%s", format, suggest.Word(format, iam.Forms()))
			}
			deployments, err := documents.load(cmd.Context(), s.In)
			if err != nil {
				return err
			}
			roles := iam.Roles(deployments, cluster)
			if len(roles) == 0 && cluster != "" && len(iam.Roles(deployments, "")) > 0 {
				return usagef("no document has a role in cluster %s", cluster)
			}
			if len(roles) == 0 {
				return usagef("no document has both spec.platform.eks.identity and weights in S3 that its own pods read (spec.model.source without spec.model.cache, or spec.model.download.from)")
			}
			data, err := iam.Write(format, roles)
			if err != nil {
				return usageError{err}
			}
			_, err = s.Out.Write(data)
			return err
		},
	}
	documents.register(cmd)
	cmd.Flags().StringVar(&format, "format", format, "what to write: "+strings.Join(iam.Forms(), ", "))
	cmd.Flags().StringVar(&cluster, "cluster", "", "the cluster whose roles are written (default: all that the documents name)")
	return cmd
}
