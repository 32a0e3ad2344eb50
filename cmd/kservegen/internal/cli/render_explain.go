package cli

import (
	"fmt"
	"path/filepath"

	"github.com/kservegen/kservegen/pkg/render"
)

// staleness is why files of a directory are not what would be rendered, as --report json prints it.
type staleness struct {
	// Current is set where there is no such file.
	Current bool `json:"current"`
	// Kservegen is the version of this binary.
	Kservegen string      `json:"kservegen"`
	Files     []staleFile `json:"files"`
}

type staleFile struct {
	Path string `json:"path"`
	render.Reason
	// Why in words, and the unified diff.
	Why  string `json:"why"`
	Diff string `json:"diff"`
}

// explainCheck prints, for each file that a render would change, why it is another one, and the difference.
func explainCheck(s Streams, output, report string, update render.Update) error {
	e := staleness{Current: len(update.Changes) == 0, Kservegen: release, Files: []staleFile{}}
	for _, change := range update.Changes {
		difference, err := differenceOf(output, change)
		if err != nil {
			return err
		}
		reason := update.Reasons[change.Path]
		e.Files = append(e.Files, staleFile{filepath.Join(output, change.Path), reason, why(reason), string(difference)})
	}
	if report == "json" {
		if err := writeJSON(s.Out, e); err != nil {
			return err
		}
		return sayStale(s, output, update)
	}
	for _, file := range e.Files {
		// What is in front of a diff means nothing to patch(1).
		fmt.Fprintf(s.Out, "# %s: %s\n", file.Path, file.Why)
		for _, change := range file.Changes {
			fmt.Fprintf(s.Out, "#   since %s, %s: %s (%s)\n", change.Version, change.What, change.Why, change.Source)
		}
		if _, err := fmt.Fprint(s.Out, file.Diff); err != nil {
			return fmt.Errorf("writing to standard output: %w", err)
		}
	}
	return sayStale(s, output, update)
}

// why words a reason.
func why(r render.Reason) string {
	since := "before " + render.RenderedSince + " or by it"
	if r.Since != "" {
		since = "by " + r.Since + " or a later one that renders the same"
	}
	switch r.Cause {
	case render.CauseNew:
		return "nothing was rendered here yet"
	case render.CauseForeign:
		return "kservegen did not write it: the lock does not list it"
	case render.CauseEdited:
		return "edited by hand: it is not what the lock says was rendered"
	case render.CauseRemoved:
		return "removed by hand: the lock lists it"
	case render.CauseDocument:
		return "the document changed since it was rendered, or what pulls the tree"
	case render.CauseVersion:
		return "this kservegen, " + release + ", renders it otherwise; it was rendered " + since
	case render.CauseLock:
		return "follows from the other files"
	}
	return "as it was rendered, " + since + ", and the document is the same but for spec.traffic, which the lock says nothing of: " +
		"the revisions, testers or mirrors there changed, or this kservegen, " + release + ", renders it otherwise and lists no reason"
}
