package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
)

// commitFlags say what becomes of a change in Git.
type commitFlags struct {
	commit, push bool
	message      string
}

func (f *commitFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.commit, "commit", false, "commit the document and its tree, and nothing else")
	flags.BoolVar(&f.push, "push", false, "commit, and push the branch")
	flags.StringVarP(&f.message, "message", "m", "", "why, for the commit's message")
}

func (f *commitFlags) validate() error {
	f.commit = f.commit || f.push
	if f.message != "" && !f.commit {
		return usagef("--message is for a commit; add --commit")
	}
	return nil
}

// repository is where a change is committed: the files that it is about.
type repository struct {
	git   *git.Repository
	paths []string
}

// clean opens the repository, and refuses files with changes that are not committed. It is nil where nothing is to be
// committed.
func (f *commitFlags) clean(ctx context.Context, files ...string) (*repository, error) {
	if !f.commit {
		return nil, nil
	}
	opened, err := git.Open(ctx, filepath.Dir(files[0]))
	if err != nil {
		return nil, usageError{err}
	}
	r := &repository{git: opened}
	for _, file := range files {
		path, err := opened.Path(file)
		if err != nil {
			return nil, usageError{err}
		}
		r.paths = append(r.paths, path)
	}
	return r, r.refuseDirty(ctx)
}

// refuseDirty refuses what is not committed yet.
func (r *repository) refuseDirty(ctx context.Context) error {
	dirty, err := r.git.Dirty(ctx, r.paths...)
	if err != nil {
		return err
	}
	if len(dirty) > 0 {
		return usagef("not committed yet: %s; commit it, or take it back (git checkout), so that this is a commit of its own", strings.Join(dirty, ", "))
	}
	return nil
}

func (r *repository) commit(ctx context.Context, subject, body string) (string, error) {
	return r.git.Commit(ctx, subject+"\n\n"+body, r.paths...)
}

// pushed pushes where that was asked for.
func (f *commitFlags) pushed(ctx context.Context, r *repository, report *canaryReport) error {
	if !f.push {
		return nil
	}
	overtaken, err := r.git.Push(ctx, r.paths...)
	if err != nil {
		return fmt.Errorf("commit %s is made, and not pushed: %w", report.Commit, err)
	}
	report.Pushed = true
	if overtaken > 0 {
		report.Notes = append(report.Notes, "others had pushed; the commit was put on top of theirs")
		hash, err := r.git.Resolve(ctx, "HEAD")
		if err != nil {
			return err
		}
		report.Commit = hash[:len(report.Commit)]
	}
	return nil
}

// subject is the first line of the commit's message: what.
func (o *canaryOptions) subject(change steps.Change) string {
	model, where := change.After.Name, ""
	if len(change.Shifts) < len(change.After.Environments) {
		var names []string
		for _, shift := range change.Shifts {
			names = append(names, shift.Environment)
		}
		where = " in " + strings.Join(names, ", ")
	}
	switch o.verb {
	case "start":
		return fmt.Sprintf("Start %s of %s%s", o.revision, model, where)
	case "finish":
		return fmt.Sprintf("Finish the canary of %s%s", model, where)
	case "abort":
		return fmt.Sprintf("Abort the canary of %s%s", model, where)
	case "promote":
		return fmt.Sprintf("Promote the canary of %s%s", model, where)
	}
	return fmt.Sprintf("Set %s to %s%s", model, steps.Words(change.Shifts[0].After), where)
}

// body says why, and what in each environment.
func (o *canaryOptions) body(change steps.Change) string {
	var body strings.Builder
	if o.message != "" {
		body.WriteString(o.message + "\n\n")
	}
	for _, shift := range change.Shifts {
		fmt.Fprintf(&body, "%s: %s → %s\n", shift.Environment, steps.Words(shift.Before), steps.Words(shift.After))
	}
	fmt.Fprintf(&body, "\nBy kservegen canary %s.\n", o.verb)
	return body.String()
}
