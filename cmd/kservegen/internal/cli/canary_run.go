package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/kservegen/kservegen/pkg/rollout/lease"
	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

type runOptions struct {
	treeFlags
	clusterFlags
	gateFlags
	gitFlags
	webhookFlags
	env              string
	stepMin, stepMax time.Duration
	blindMax         time.Duration
	overdue          string
	again            bool
	despiteGitOps    bool
	dryRun           bool
	once             bool
	output           string
}

func newCanaryRun(s Streams) *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run -f DOC --prometheus URL",
		Short: "Take the new revision through its steps, in the cluster or in Git, by what Prometheus says, until promoted or rolled back",
		Long: `Give the new revision the shares of spec.rollout.steps one after the other, in the VirtualService or the HTTPRoutes of
the cluster, where the plan has them (spec.rollout.shadow) after copies of requests. Each stands until the gate passes it
(canary analyze); one that fails takes everything back at once.
What a run has to know is in the cluster: one that was killed goes on from there when it is called again, and of two at
the same canary one waits. The document stays as it is. What happens in each case: docs/canary-run.md.

With --git the shares are those of the document on the remote branch, and each step is a commit that is pushed there, or
with --pull-request to a branch of its own. What applies the tree does the rest: docs/canary-git.md.

The exit code is 0 where the new revision was promoted, 1 where it was rolled back or the run stopped since somebody
changed what it works on, 2 for a wrong call, 3 where the cluster or the repository cannot be reached or written, or with
--once Prometheus, 4 where --once looked and it is not over, 130 after an interruption.`,
		Example: `  kservegen canary run -f deepseek.yaml --env production --prometheus http://localhost:9090 --dry-run
  kservegen canary run -f deepseek.yaml --env production --prometheus https://prometheus.example.com --bearer-token-file token
  kservegen canary run -f deepseek.yaml --prometheus http://localhost:9090 --step-min 30m --step-max 4h --slo errors=0.01 -o json
  kservegen canary run -f deepseek.yaml --env production --prometheus https://prometheus.example.com --git --once --webhook-file url --webhook-format slack`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s) },
	}
	o.register(cmd)
	return cmd
}

func (o *runOptions) register(cmd *cobra.Command) {
	o.treeFlags.register(cmd)
	o.clusterFlags.register(cmd, "context of the cluster (default the current one)")
	o.gateFlags.register(cmd)
	o.gitFlags.register(cmd)
	o.webhookFlags.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.env, "env", "", "environment of the document (default its only one)")
	flags.DurationVar(&o.stepMin, "step-min", 10*time.Minute, "how long a share stands at least")
	flags.DurationVar(&o.stepMax, "step-max", 2*time.Hour, "how long a share stands without a pass, or the revision may not answer, at most")
	flags.StringVar(&o.overdue, "overdue", "rollback", "what to do then: rollback, or hold the share until there is a verdict")
	flags.DurationVar(&o.blindMax, "blind-max", 0, "roll back when Prometheus was silent for so long (default hold the share)")
	flags.BoolVar(&o.again, "again", false, "pass over what earlier runs recorded: after a rollback, or a change by hand")
	flags.BoolVar(&o.despiteGitOps, "despite-gitops", false, "move weights although Flux or Argo CD writes the routes; it must leave the weights alone")
	flags.BoolVar(&o.once, "once", false, "look once, do what follows, and end, with 4 where it is not over; for what runs by a schedule")
	flags.BoolVar(&o.dryRun, "dry-run", false, "change nothing; print the steps with their times, and what Prometheus would be asked")
	flags.StringVarP(&o.output, "output", "o", "text", "text, or json for one event a line")
	complete(cmd, "output", []string{"text", "json"})
	complete(cmd, "overdue", []string{"rollback", "hold"})
}

func (o *runOptions) validate() error {
	switch {
	case o.output != "text" && o.output != "json":
		return usagef("-o %s is unknown; text or json", o.output)
	case o.overdue != "rollback" && o.overdue != "hold":
		return usagef("--overdue %s is unknown; rollback or hold", o.overdue)
	case o.dryRun && o.output == "json":
		return usagef("--dry-run prints a plan; -o json makes no sense with it")
	}
	if o.git && o.despiteGitOps {
		return usagef("--despite-gitops is about weights in the cluster; with --git they are where GitOps takes them from")
	}
	if err := o.gitFlags.validate(o.clusterFlags); err != nil {
		return err
	}
	return o.gateFlags.validate()
}

// config is how the steps are taken.
func (o *runOptions) config(m *spec.Deployment, t spec.Target, ends steps.Ends) (runner.Config, error) {
	c := runner.Config{
		Subject:  runner.Subject{Model: t.Name, Namespace: t.Namespace, Environment: t.Environment, Baseline: ends.From, Canary: ends.To},
		Plan:     m.Steps(),
		Shadow:   m.Shadow(),
		Interval: o.block, StepMin: o.stepMin, StepMax: o.stepMax, Hold: o.overdue == "hold", BlindMax: o.blindMax, Once: o.once,
	}
	if err := c.Check(); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

func (o *runOptions) run(ctx context.Context, s Streams) error {
	if err := o.validate(); err != nil {
		return err
	}
	defer outliveReaders()()
	if o.git {
		return o.runGit(ctx, s)
	}
	w, err := o.prepare(ctx, s)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.plan(ctx, s, w)
	}
	held, mine, err := lease.Acquire(ctx, w.cluster, w.target.Namespace, routes.LeaseName(w.target), identity(), func(holder string, trouble error) {
		if trouble != nil {
			fmt.Fprintf(s.Err, "waiting for the API server: %v\n", trouble)
			return
		}
		fmt.Fprintf(s.Err, "waiting for %s, which is at work on %s in %s\n", holder, w.target.Name, w.target.Environment)
	})
	if err != nil {
		return err
	}
	w.options.Held = mine.Held
	ended, err := o.drive(held, s, w)
	if cause := context.Cause(held); errors.Is(cause, lease.ErrTaken) {
		return fmt.Errorf("%w; the share stays", cause)
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if failed := mine.Release(release); failed != nil {
		fmt.Fprintf(s.Err, "the Lease was not given back, and ends by itself in %s: %v\n", lease.Duration, failed)
	}
	if err != nil {
		return err
	}
	w.advise(s, ended)
	return endOf(ended)
}

// endOf is the exit code of a run.
func endOf(ended runner.Kind) error {
	switch {
	case ended == runner.Promoted:
		return nil
	case ended == runner.Interrupted:
		return errLeft
	case ended == runner.Cut || ended == runner.Blind: // of one look
		return errUnreached
	case !ended.Ends():
		return errUndecided
	}
	return errFindings
}

// drive runs the state machine.
func (o *runOptions) drive(ctx context.Context, s Streams, w *work) (runner.Kind, error) {
	place, err := routes.New(w.cluster, w.canary, w.options)
	if err != nil {
		return runner.Stopped, usageError{err}
	}
	hook, err := o.webhook()
	if err != nil {
		return runner.Stopped, err
	}
	r := runner.Runner{Config: w.config, Place: place, Analyst: w.analyst, Notifier: o.tellers(s, hook), Clock: wallClock{}}
	return r.Run(ctx)
}

// identity tells runners apart, those of containers with one name and process 1 too, and says to people where one is.
func identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "somewhere"
	}
	return fmt.Sprintf("%s (%s), process %d", host, rand.Text()[:6], os.Getpid())
}

// work is what a run is about.
type work struct {
	model   *spec.Deployment
	target  spec.Target
	config  runner.Config
	analyst metrics.Analyst
	canary  routes.Canary
	options routes.Options
	cluster *rest.Config
	// context is its name, for people.
	context string
}

// prepare reads the document and finds the cluster; nothing is asked yet.
func (o *runOptions) prepare(ctx context.Context, s Streams) (*work, error) {
	_, model, err := o.load(ctx, s)
	if err != nil {
		return nil, err
	}
	w, err := o.work(model, o.env)
	if err != nil {
		return nil, err
	}
	w.canary = routes.Canary{Target: w.target, From: w.config.Baseline, To: w.config.Canary, Document: model.Digest()}
	if w.canary.Routes, err = o.routes(model, w.target); err != nil {
		return nil, err
	}
	w.options = routes.Options{Now: time.Now, Again: o.again, DespiteGitOps: o.despiteGitOps, Unchanged: o.unchanged(ctx, s, model)}
	if w.cluster, w.context, err = live.Find(o.kubeconfig, o.contextName); err != nil {
		return nil, usageError{err}
	}
	return w, nil
}
