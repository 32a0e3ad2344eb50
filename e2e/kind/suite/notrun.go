package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kservegen/kservegen/e2e/tools"
)

// NotRunError says that a tree was validated, without errors, and not run.
type NotRunError struct{ Tree, Reason string }

func (n NotRunError) Error() string {
	return fmt.Sprintf("%s was validated and NOT run here: %s", n.Tree, n.Reason)
}

// runnable returns a NotRunError for a tree that a cluster of the suite would tell nothing about, after kservegen
// has found nothing wrong with it.
func (s *Suite) runnable(ctx context.Context) error {
	reason := s.tree.NotRun()
	if reason == "" {
		return nil
	}
	fmt.Fprintf(s.Out, "kservegen validate %s\n", s.Tree)
	dir, err := filepath.Abs(s.Tree)
	if err != nil {
		return err
	}
	cmd := tools.Command(ctx, "go", "-C", s.Root, "run", "./cmd/kservegen", "validate", dir)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = s.Out, s.Out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kservegen validate %s (it would not be run here: %s): %w", s.Tree, reason, err)
	}
	return NotRunError{Tree: s.Tree, Reason: reason}
}
