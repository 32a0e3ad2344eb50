package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/git"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/rollout/history"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
)

// historyReport is one commit, as -o json prints it.
type historyReport struct {
	Commit       string              `json:"commit"`
	Time         time.Time           `json:"time"`
	Author       string              `json:"author"`
	Subject      string              `json:"subject"`
	Rendered     bool                `json:"rendered"`
	Why          string              `json:"why,omitempty"`
	Environments []environmentShares `json:"environments"`
}

type environmentShares struct {
	Name   string        `json:"name"`
	Shares []steps.Share `json:"shares"`
}

func newCanaryHistory(s Streams) *cobra.Command {
	var (
		tree   treeFlags
		most   int
		output string
	)
	cmd := &cobra.Command{
		Use:   "history -f DOC",
		Short: "List what Git knows of a model: its commits, and the weights of each",
		Long: `List the commits of the document and its tree, the newest first. A commit in which the tree is what was rendered
from the document, by kservegen.lock, is a state that kservegen rollback can go back to.`,
		Example: `  kservegen canary history -f deepseek.yaml
  kservegen canary history -f deepseek.yaml -n 100 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return usagef("-o %s is unknown; text or json", output)
			}
			m, err := tree.inGit(cmd.Context(), s)
			if err != nil {
				return err
			}
			states, err := history.Read(cmd.Context(), m.Repository, m.Files, most)
			if err != nil {
				return err
			}
			return printHistory(s, output, states)
		},
	}
	tree.register(cmd)
	cmd.Flags().IntVarP(&most, "number", "n", 20, "how many commits; 0 for all")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	complete(cmd, "output", []string{"text", "json"})
	return cmd
}

// gitModel is a model's files and their repository.
type gitModel struct {
	*git.Repository
	history.Files
	// file is the document as the user named it.
	file string
}

// inGit finds them. Of a document that is not valid, which is a reason to go back, --model has to say the name.
func (f *treeFlags) inGit(ctx context.Context, s Streams) (gitModel, error) {
	var m gitModel
	_, model, err := f.load(ctx, s)
	var problems manifest.Problems
	switch {
	case err == nil:
		m.Model, m.file = model.Name, model.File
	case errors.As(err, &problems) && f.model != "" && len(f.documents.files) == 1:
		m.Model, m.file = f.model, f.documents.files[0]
	case errors.As(err, &problems):
		fmt.Fprintln(s.Err, "the document is not valid now; with --model NAME and one file it need not be")
		return m, err
	default:
		return m, err
	}
	if m.Repository, err = git.Open(ctx, filepath.Dir(m.file)); err != nil {
		return m, usageError{err}
	}
	if m.Document, err = m.Path(m.file); err != nil {
		return m, usageError{err}
	}
	if m.Tree, err = m.Path(filepath.Join(f.dir, m.Model)); err != nil {
		return m, usageError{err}
	}
	return m, nil
}

func printHistory(s Streams, output string, states []history.State) error {
	if output == "json" {
		reports := []historyReport{}
		for _, state := range states {
			report := historyReport{Commit: state.Hash, Time: state.Time, Author: state.Author, Subject: state.Subject, Rendered: state.Rendered, Why: state.Why, Environments: []environmentShares{}}
			for _, e := range state.Environments {
				report.Environments = append(report.Environments, environmentShares(e))
			}
			reports = append(reports, report)
		}
		return writeJSON(s.Out, reports)
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for _, state := range states {
		what := state.Words()
		if state.Why != "" {
			what += " (no state: " + state.Why + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", state.Short, state.Time.Format(time.DateOnly), state.Subject, what)
	}
	return table.Flush()
}
