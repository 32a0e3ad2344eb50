package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/rollout/history"
	"github.com/kservegen/kservegen/pkg/rollout/write"
	"github.com/kservegen/kservegen/pkg/txn"
)

type rollbackOptions struct {
	treeFlags
	commitFlags
	to     string
	dryRun bool
}

func newRollback(s Streams) *cobra.Command {
	o := &rollbackOptions{}
	cmd := &cobra.Command{
		Use:   "rollback -f DOC [--to COMMIT|-N]",
		Short: "Return document and tree to an earlier state in Git",
		Long: `Write the document and what was rendered of it as an earlier commit has them, byte for byte, in the work tree or as a
new commit. The history stays. A state is a commit whose tree is what was rendered from its document; -1 is the last
one that differs from what is there now. The folders custom/ are yours and stay as they are.`,
		Example: `  kservegen rollback -f deepseek.yaml                    to the state before
  kservegen rollback -f deepseek.yaml --to 3f2a1bc --commit -m "v2 loops on long prompts"
  kservegen canary history -f deepseek.yaml              which states there are`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s) },
	}
	o.treeFlags.register(cmd)
	o.commitFlags.register(cmd)
	cmd.Flags().StringVar(&o.to, "to", "-1", "commit, or how many states back")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing; print the diff")
	return cmd
}

func (o *rollbackOptions) run(ctx context.Context, s Streams) error {
	if err := o.validate(); err != nil {
		return err
	}
	if o.dryRun && o.commit {
		return usagef("--dry-run changes nothing; --commit and --push make no sense with it")
	}
	if err := o.settle(s); err != nil {
		return err
	}
	m, err := o.inGit(ctx, s)
	if err != nil {
		return err
	}
	r := &repository{git: m.Repository, paths: []string{m.Document, m.Tree}}
	if err = r.refuseDirty(ctx); err != nil {
		return err
	}
	state, err := o.find(ctx, m)
	if err != nil {
		return err
	}
	if !state.Rendered {
		return usagef("%s is no state to go back to: %s; kservegen canary history lists those that are", state.Short, state.Why)
	}
	changes, err := history.Restore(ctx, m.Repository, m.Files, state)
	if err != nil {
		return usageError{err}
	}
	root, err := o.place(m, changes)
	if err != nil {
		return usageError{err}
	}
	return o.write(ctx, s, r, root, m.Model, state, changes)
}

// place makes the paths of changes, which are those of the repository, relative to the directory that holds document and
// trees, where whatever comes next looks for what was interrupted.
func (o *rollbackOptions) place(m gitModel, changes []txn.Change) (string, error) {
	root, err := write.Root(o.dir, m.file)
	if err != nil {
		return "", err
	}
	for i, change := range changes {
		file := m.file
		if change.Path != m.Document {
			file = filepath.Join(o.dir, m.Model, strings.TrimPrefix(change.Path, m.Tree+"/"))
		}
		if changes[i].Path, err = write.Below(root, file); err != nil {
			return "", err
		}
	}
	return root, nil
}

// find reads the state that --to names.
func (o *rollbackOptions) find(ctx context.Context, m gitModel) (history.State, error) {
	if number, err := strconv.Atoi(o.to); err == nil && number < 0 {
		state, err := history.Back(ctx, m.Repository, m.Files, -number)
		if err != nil && ctx.Err() == nil {
			err = usageError{err}
		}
		return state, err
	}
	hash, err := m.Resolve(ctx, o.to)
	if err != nil {
		return history.State{}, usageError{err}
	}
	entry, err := m.Entry(ctx, hash)
	if err != nil {
		return history.State{}, err
	}
	return history.At(ctx, m.Repository, m.Files, entry)
}

func (o *rollbackOptions) write(ctx context.Context, s Streams, r *repository, root, model string, state history.State, changes []txn.Change) error {
	if o.dryRun {
		return printChanges(s, root, changes)
	}
	result, err := txn.Commit(ctx, root, changes, txn.Options{})
	if err != nil {
		return err
	}
	if result.Written+result.Removed == 0 {
		fmt.Fprintf(s.Err, "nothing to change: document and tree are those of %s\n", state.Short)
		return nil
	}
	fmt.Fprintf(s.Err, "back to %s (%s): %s\n%d files written, %d removed\n", state.Short, state.Subject, state.Words(), result.Written, result.Removed)
	if !o.commit {
		return nil
	}
	body := fmt.Sprintf("To the state of %s, %s:\n%s\n\nBy kservegen rollback.\n", state.Short, state.Subject, state.Words())
	if o.message != "" {
		body = o.message + "\n\n" + body
	}
	report := canaryReport{}
	if report.Commit, err = r.commit(ctx, fmt.Sprintf("Roll %s back to %s", model, state.Short), body); err != nil {
		return fmt.Errorf("the files are written, and not committed: %w", err)
	}
	if err := o.pushed(ctx, r, &report); err != nil {
		return err
	}
	for _, note := range report.Notes {
		fmt.Fprintln(s.Err, note)
	}
	fmt.Fprintf(s.Err, "commit %s%s\n", report.Commit, map[bool]string{true: ", pushed"}[report.Pushed])
	return nil
}
