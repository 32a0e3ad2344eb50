package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

// reportRemarks tells what renders and works, and will not for long or may not.
func reportRemarks(s Streams, deployments []*spec.Deployment) {
	for _, deployment := range deployments {
		for _, remark := range deployment.Remarks {
			fmt.Fprintf(s.Err, "warning: %s\n", remark.Error())
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// summarize says what stands in the directory now.
func summarize(s Streams, output string, trees []*render.Tree, written, removed int) {
	for _, tree := range trees {
		base := 0
		for _, file := range tree.Files {
			if strings.HasPrefix(file.Path, "base/") {
				base++
			}
		}
		var names []string
		for _, environment := range tree.Environments {
			names = append(names, environment.Name)
		}
		fmt.Fprintf(s.Err, "%s: %s in base, %s (%s)\n", filepath.Join(output, tree.Name),
			finding.Plural(base, "file"), finding.Plural(len(names), "overlay"), strings.Join(names, ", "))
		if len(trees) > 20 {
			fmt.Fprintf(s.Err, "and %s more\n", finding.Plural(len(trees)-1, "tree"))
			break
		}
	}
	switch {
	case written+removed == 0:
		fmt.Fprintln(s.Err, "nothing to change")
	case removed > 0:
		fmt.Fprintf(s.Err, "%s written, %d removed\n", finding.Plural(written, "file"), removed)
	default:
		fmt.Fprintf(s.Err, "%s written\n", finding.Plural(written, "file"))
	}
}

// reportCheck prints what a render would change as a diff.
func reportCheck(s Streams, output string, update render.Update) error {
	for _, change := range update.Changes {
		difference, err := differenceOf(output, change)
		if err != nil {
			return err
		}
		if _, err := s.Out.Write(difference); err != nil {
			return err
		}
	}
	return sayStale(s, output, update)
}

// differenceOf is what a change does to its file, as a unified diff.
func differenceOf(output string, change txn.Change) ([]byte, error) {
	name := filepath.Join(output, change.Path)
	old, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return diff.Diff(name, old, name+" (rendered)", change.Data), nil
}

// sayStale says whether a directory is current, and what to do.
func sayStale(s Streams, output string, update render.Update) error {
	if len(update.Changes) == 0 {
		fmt.Fprintf(s.Err, "%s is current\n", output)
		return nil
	}
	fmt.Fprintf(s.Err, "%s is not current: %s would change; run kservegen render\n", output, finding.Plural(len(update.Changes), "file"))
	for _, conflict := range update.Conflicts {
		fmt.Fprintf(s.Err, "%s %s\n", filepath.Join(output, conflict.Path), conflict.Why)
	}
	return errFindings
}

func reportDryRun(s Streams, output string, documents []adoption, trees []*render.Tree, update render.Update) {
	for _, document := range documents {
		fmt.Fprintf(s.Out, "write %s\n", document.file)
	}
	for _, change := range update.Changes {
		verb := "write"
		if change.Remove {
			verb = "remove"
		}
		fmt.Fprintf(s.Out, "%s %s\n", verb, filepath.Join(output, change.Path))
	}
	fmt.Fprintf(s.Err, "%s would change, in %s\n", finding.Plural(len(documents)+len(update.Changes), "file"), finding.Plural(len(trees), "tree"))
}

// reportConflicts names the files that a person edited, and what to do.
func reportConflicts(s Streams, output string, conflicts []render.Conflict) error {
	adoptable := false
	for _, conflict := range conflicts {
		adoptable = adoptable || conflict.Weights != nil
		fmt.Fprintf(s.Err, "%s %s\n", filepath.Join(output, conflict.Path), conflict.Why)
	}
	fmt.Fprintln(s.Err, "Nothing was written. Put the change into the document or the overlay's custom/, or throw it away with --force.")
	if adoptable {
		fmt.Fprintln(s.Err, "Weights alone can be taken over into the document with --adopt.")
	}
	return errFindings
}
