package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// clusterFlags name a cluster.
type clusterFlags struct {
	kubeconfig, contextName string
}

func (f *clusterFlags) register(cmd *cobra.Command, what string) {
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "file that describes the cluster (default that of kubectl)")
	flags.StringVar(&f.contextName, "context", "", what)
	_ = cmd.MarkFlagFilename("kubeconfig")
}

// asked reports that the call names a cluster.
func (f *clusterFlags) asked() bool { return f.kubeconfig != "" || f.contextName != "" }

// ready asks the cluster, where one is named, whether the revisions that are to get more requests answer, and whether those
// that leave get none any more.
func (o *canaryOptions) ready(ctx context.Context, s Streams, before *spec.Deployment, change steps.Change) error {
	if !o.asked() {
		return nil
	}
	cluster, err := live.Connect(o.kubeconfig, o.contextName)
	if err != nil {
		return usageError{err}
	}
	runs, err := cluster.Read(ctx, before.Namespace, before.Name)
	if err != nil {
		return err
	}
	for _, shift := range change.Shifts {
		target := targetOf(change.After, shift.Environment)
		for _, problem := range unready(runs, target, shift) {
			if o.verb != "abort" { // nothing is better than the way back
				return usagef("%s: %s; nothing was changed", shift.Environment, problem)
			}
			fmt.Fprintf(s.Err, "warning: %s: %s\n", shift.Environment, problem)
		}
	}
	return nil
}

func targetOf(m *spec.Deployment, environment string) spec.Target {
	for _, t := range m.Environments {
		if t.Environment == environment {
			return t
		}
	}
	return spec.Target{}
}

// unready says what keeps a shift from being made.
func unready(runs live.Model, target spec.Target, shift steps.Shift) []string {
	was := map[string]steps.Share{}
	for _, share := range shift.Before {
		was[share.Revision] = share
	}
	var problems []string
	for _, share := range shift.After {
		more := share.Weight > was[share.Revision].Weight || share.Mirror > was[share.Revision].Mirror
		delete(was, share.Revision)
		revision, _ := runs.Find(share.Revision)
		if ready, _ := revision.Serves(target); more && !ready {
			problems = append(problems, fmt.Sprintf("%s does not answer: %s", share.Revision, strings.TrimSuffix(revision.Reason, ".")))
		}
	}
	for revision := range was {
		if found, _ := runs.Find(revision); found.Weight != nil && *found.Weight > 0 {
			problems = append(problems, fmt.Sprintf("%s still gets %d %% of the requests in the cluster: apply what was promoted first", revision, *found.Weight))
		}
	}
	return problems
}
