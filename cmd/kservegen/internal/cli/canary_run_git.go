package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/ingit"
	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/rollout/metrics"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/txn"
)

// How the readiness of a revision is known in Git.
const (
	readyByCluster    = "cluster"
	readyByPrometheus = "prometheus"
	readyByNobody     = "unchecked"
)

// gitFlags are about the shares in Git.
type gitFlags struct {
	git              bool
	branch, proposal string
	readyBy          string
}

func (f *gitFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.git, "git", false, "move the shares in Git: each step is a commit that is pushed; the work tree stays as it is")
	flags.StringVar(&f.branch, "branch", "", "branch of the remote origin that has the shares (default the one that the checked-out branch tracks)")
	flags.StringVar(&f.proposal, "pull-request", "", "push each step to a branch of its own, and write title, body.md and branch of a pull request to this directory")
	flags.StringVar(&f.readyBy, "ready-by", "", "who says whether the revision answers: cluster, prometheus, or unchecked (default the cluster where --kubeconfig or --context names one, or else Prometheus)")
	complete(cmd, "ready-by", []string{readyByCluster, readyByPrometheus, readyByNobody})
	_ = cmd.MarkFlagDirname("pull-request")
}

func (f *gitFlags) validate(cluster clusterFlags) error {
	switch {
	case !f.git && (f.branch != "" || f.proposal != "" || f.readyBy != ""):
		return usagef("--branch, --pull-request and --ready-by are about the shares in Git; add --git")
	case f.readyBy == "" && cluster.asked():
		f.readyBy = readyByCluster
	case f.readyBy == "":
		f.readyBy = readyByPrometheus
	case f.readyBy != readyByCluster && f.readyBy != readyByPrometheus && f.readyBy != readyByNobody:
		return usagef("--ready-by %s is unknown; cluster, prometheus or unchecked", f.readyBy)
	}
	return nil
}

// runGit takes the canary through its steps in Git.
func (o *runOptions) runGit(ctx context.Context, s Streams) error {
	last := &lastAnalysis{}
	place, err := o.gitPlace(ctx, s, last)
	if err != nil {
		return refusal(err)
	}
	m, err := place.Deployment(ctx)
	if o.once && errors.Is(err, ingit.ErrNoCanary) { // a schedule goes on between canaries
		fmt.Fprintln(s.Err, err)
		return nil
	}
	if err != nil {
		return refusal(err)
	}
	w, err := o.work(m, place.Environment)
	if err != nil {
		return err
	}
	if place.Readiness, err = o.readiness(w); err != nil {
		return err
	}
	if o.dryRun {
		return o.planGit(ctx, s, w, place)
	}
	if _, err = place.Repository.Committer(ctx); err != nil {
		return usageError{err}
	}
	last.of(w.analyst, o.profile, w.config.Subject)
	hook, err := o.webhook()
	if err != nil {
		return err
	}
	if hook != nil {
		hook.Commit = place.Commit
	}
	fmt.Fprintf(s.Err, "%s in %s by commits on %s; whether %s answers: %s\n", m.Name, place.Environment, place.Branch, w.config.Canary, o.readyBy)
	r := runner.Runner{Config: w.config, Place: place, Analyst: last, Notifier: o.tellers(s, hook), Clock: wallClock{}}
	ended, err := r.Run(ctx)
	if err != nil {
		return err
	}
	return endOf(ended)
}

// refusal makes what a person has to put right an error about the call.
func refusal(err error) error {
	var words *runner.Refusal
	if errors.As(err, &words) {
		return usageError{err}
	}
	return err
}

// gitPlace finds the repository, the branch, and where the document is in it.
func (o *runOptions) gitPlace(ctx context.Context, s Streams, last *lastAnalysis) (*ingit.Place, error) {
	_, model, err := o.load(ctx, s)
	if err != nil {
		return nil, err
	}
	target, err := environmentOf(model, o.env)
	if err != nil {
		return nil, err
	}
	p := ingit.Options{Canary: ingit.Canary{Model: model.Name, Environment: target.Environment}, Analysis: last.take, Again: o.again}
	if p.Repository, err = git.Open(ctx, filepath.Dir(model.File)); err != nil {
		return nil, usageError{err}
	}
	if p.Document, err = p.Repository.Path(model.File); err != nil {
		return nil, usageError{err}
	}
	if p.Trees, err = p.Repository.Path(o.dir); err != nil {
		return nil, usageError{err}
	}
	if o.branch != "" {
		p.Branch = p.Repository.Branch("origin", o.branch)
	} else if p.Branch, err = p.Repository.Tracked(ctx); err != nil {
		return nil, usagef("%w; or name the branch of origin that has the shares with --branch, as where CI checks out a commit", err)
	}
	if o.proposal != "" {
		p.Review = &ingit.Review{Say: func(proposed ingit.Proposal) error { return writeProposal(ctx, o.proposal, proposed) }}
	}
	return ingit.New(ctx, p)
}

// writeProposal writes what a pull request is made of, all of it or nothing.
func writeProposal(ctx context.Context, dir string, p ingit.Proposal) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	_, err := txn.Commit(ctx, dir, []txn.Change{
		{Path: "title", Data: []byte(p.Title + "\n")}, {Path: "body.md", Data: []byte(p.Body)}, {Path: "branch", Data: []byte(p.Branch + "\n")},
	}, txn.Options{})
	return err
}

// readiness is whom a run in Git asks whether the revision answers.
func (o *runOptions) readiness(w *work) (ingit.Readiness, error) {
	switch o.readyBy {
	case readyByCluster:
		cluster, err := live.Connect(o.kubeconfig, o.contextName)
		if err != nil {
			return nil, usageError{err}
		}
		return ingit.InCluster{Cluster: cluster}, nil
	case readyByPrometheus:
		return ingit.InPrometheus{From: w.analyst.From, Revision: w.analyst.Pair.Canary, Now: time.Now}, nil
	}
	return ingit.Unchecked{}, nil
}

// planGit prints what a run in Git would do.
func (o *runOptions) planGit(ctx context.Context, s Streams, w *work, place *ingit.Place) error {
	state, err := place.Read(ctx)
	if err != nil {
		return refusal(err)
	}
	return o.printPlan(ctx, s, w, "branch "+place.Branch.String(), state)
}

// lastAnalysis remembers what was analyzed, for the message of the commit that follows from it.
type lastAnalysis struct {
	analyst metrics.Analyst
	about   gate.Analysis
	found   *gate.Analysis
}

func (l *lastAnalysis) of(analyst metrics.Analyst, profile string, subject runner.Subject) {
	l.analyst = analyst
	l.about = gate.Analysis{
		Model: subject.Model, Namespace: subject.Namespace, Environment: subject.Environment, Baseline: subject.Baseline, Canary: subject.Canary,
		Profile: profile, Block: int(analyst.Block / time.Second),
	}
}

// Analyze asks the analyst.
func (l *lastAnalysis) Analyze(ctx context.Context, since, until time.Time, copied bool) (gate.Report, error) {
	report, err := l.analyst.Analyze(ctx, since, until, copied)
	if err != nil {
		return report, err
	}
	found := l.about
	found.Since, found.Until, found.Report = since, until, report
	l.found = &found
	return report, nil
}

// take hands the last one out, once: what is done later does not follow from it.
func (l *lastAnalysis) take() *gate.Analysis {
	found := l.found
	l.found = nil
	return found
}
