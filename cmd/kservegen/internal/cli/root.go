// Package cli is the command line: flags become options, options one call into pkg/.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/istiod"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/txn"
)

// Streams are where a command reads and writes. Out is data, Err is talk.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes, part of the interface. Undecided is an analysis that cannot tell yet.
const (
	exitOK          = 0
	exitFindings    = 1
	exitUsage       = 2
	exitInternal    = 3
	exitUndecided   = 4
	exitInterrupted = 130
)

// errFindings ends a command that did its work and found something to say; the words are out already.
var errFindings = errors.New("findings")

// usageError is a wrong call.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Main runs the command line and returns its exit code.
func Main(ctx context.Context, args []string, s Streams) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(s.Err, "kservegen: this is a bug: %v\nPlease report it with the document and these lines:\n%s", p, debug.Stack())
			code = exitInternal
		}
	}()
	istiod.RestoreLogs()
	root := newRoot(s)
	root.SetArgs(args)
	return exit(s, root.ExecuteContext(ctx))
}

// exit prints an error and maps it to an exit code.
func exit(s Streams, err error) int {
	var (
		problems manifest.Problems
		usage    usageError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errUndecided):
		return exitUndecided
	case errors.Is(err, errLeft):
		return exitInterrupted
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(s.Err, "kservegen: interrupted; nothing was changed")
		return exitInterrupted
	case errors.As(err, &problems):
		fmt.Fprintln(s.Err, problems.Error())
		fmt.Fprintf(s.Err, "kservegen: %s; nothing was written\n", finding.Plural(len(problems), "problem"))
		return exitUsage
	case errors.As(err, &usage), errors.Is(err, txn.ErrRefused):
		fmt.Fprintf(s.Err, "kservegen: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(s.Err, "kservegen: %v\n", err)
	return exitInternal
}

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "kservegen",
		Short: "Serve large language models with vLLM on KServe and Istio, from one document",
		Long: `kservegen renders a plain Kustomize tree from one small document: a vLLM ServingRuntime and InferenceService
per revision, Istio traffic splitting for canaries, mTLS and access policies, scaling and monitoring.
Nothing in the tree needs kservegen again.`,
		Example: `  kservegen init deepseek-r1-distill-llama-8b --accelerator a10g --namespace llm > deepseek.yaml
  kservegen render -f deepseek.yaml -o deploy
  kustomize build deploy/deepseek-r1-distill-llama-8b/overlays/production | kubectl apply -f -`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.AddCommand(newInit(s), newImport(s), newRender(s), newDiff(s), newValidate(s), newEffective(s), newExplain(s), newPlan(s), newCanary(s), newStatus(s), newChat(s), newRollback(s), newEKS(s), newSchema(s), newVersion(s))
	strict(root)
	return root
}

// strict turns cobra's own errors about flags and arguments into usage errors, on every command.
func strict(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usagef("%w; see %s --help", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}
