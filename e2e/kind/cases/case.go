// Package cases are what the suite proves in a running cluster, one file each. A case is a row of checks; a check
// that needs other objects has them in a YAML file of its name.
package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Env is the cluster with a tree in it.
type Env struct {
	Kubectl kubectl.Kubectl
	// Tree is the one that was applied, unchanged.
	Tree *tree.Tree
	// Reference says that it is the one of the project, which has something for every check to prove.
	Reference bool
	// Gateway is the address of the mesh's gateway, as http://10.89.0.2:30080; GatewayNamespace is where it runs.
	Gateway, GatewayNamespace string
	// Entrance is where requests to the tree's model come in.
	Entrance Entrance
	// OnNode runs a command on a node, as root.
	OnNode func(ctx context.Context, node string, command ...string) (string, error)
	// Kservegen is the program.
	Kservegen string
	// Flux brings source-controller and kustomize-controller into the cluster, unless they are there.
	Flux func(context.Context) error
	// Scaling brings Prometheus and prometheus-adapter into the cluster, unless they are there.
	Scaling func(context.Context) error
	// Prometheus brings one into the cluster, which collects the gateway too, unless it is there.
	Prometheus func(context.Context) error
	// KEDA brings KEDA into the cluster, with Prometheus, which collects the gateway too, unless they are there.
	KEDA func(context.Context) error
	// Host returns the address at which pods reach this machine.
	Host func(context.Context) (string, error)
	// Web returns the folder of the tests in a browser, with what they need.
	Web func(context.Context) (string, error)
	// Temporary returns an empty folder that goes away after the check.
	Temporary func() string
	// Keep keeps what there is to know about the cluster before a check that failed undoes what it did. It may be nil.
	Keep func()
	// Out gets the figures.
	Out io.Writer
}

// Figure prints what was measured.
func (e *Env) Figure(format string, args ...any) { fmt.Fprintf(e.Out, format+"\n", args...) }

// quiet is the same without figures: for a check that is asked again and again.
func (e *Env) quiet() *Env {
	own := *e
	own.Out = io.Discard
	return &own
}

// Entrance is the gateway, or for a tree without a host at one a pod with the identity of a caller.
type Entrance struct {
	// URL is its address, as http://10.89.0.2:30080; Host the name that the model has there.
	URL, Host string
	// Namespace and Workload are those of the Envoy that routes the requests, as `kubectl exec` takes them.
	Namespace, Workload string
}

// Client asks the tree's model as clients do, by its name and with what else its rules want.
func (e *Env) Client(concurrency int) *load.Client {
	client := load.NewClient(e.Entrance.URL, e.Entrance.Host, e.Tree.Model(), concurrency)
	client.Prefix, client.Header = e.Tree.Prefix(), e.Tree.Header()
	return client
}

// needsGateway is an error for a tree that has no host at one.
func (e *Env) needsGateway() error {
	if e.Tree.Host() == "" {
		return lacks("no host at a gateway")
	}
	return nil
}

// needsPolicies is an error for a tree whose policies say nothing about a gateway.
func (e *Env) needsPolicies() error {
	if !e.has("AuthorizationPolicy") {
		return lacks("no AuthorizationPolicy")
	}
	return e.needsGateway()
}

// Check is one thing that must hold.
type Check struct {
	Name string
	// Run returns why it does not hold.
	Run func(context.Context, *Env) error
}

// LacksError says that a tree has nothing for a check to prove.
type LacksError struct{ what string }

func (l LacksError) Error() string { return "the tree has " + l.what }

func lacks(format string, args ...any) error { return LacksError{fmt.Sprintf(format, args...)} }

// ViolatedError says that what a check is about does not hold, as opposed to that it could not be found out.
type ViolatedError struct{ what string }

func (v ViolatedError) Error() string { return v.what }

func violated(format string, args ...any) error { return ViolatedError{fmt.Sprintf(format, args...)} }

// isViolated looks for one in an error and what it wraps.
func isViolated(err error) bool {
	var v ViolatedError
	return errors.As(err, &v)
}

// untilViolated waits until a check finds what a Mistake has done. A tree that has nothing to find is told at once.
func untilViolated(ctx context.Context, e *Env, what string, check func(context.Context, *Env) error) error {
	var lacking error
	err := eventually(ctx, what, func(ctx context.Context) error {
		err := check(ctx, e.quiet())
		if isViolated(err) {
			return nil
		}
		if isLacking(err) {
			lacking = err
			return nil
		}
		if err == nil {
			err = errors.New("nothing tells of it")
		}
		return err
	})
	return errors.Join(err, lacking)
}

// undo is deferred by a check that changes the cluster. Where the check fails, what there is to know is kept first.
func (e *Env) undo(ctx context.Context, err *error, steps ...func(context.Context) error) {
	if *err != nil && !isLacking(*err) && e.Keep != nil {
		e.Keep()
	}
	for _, step := range steps {
		*err = errors.Join(*err, step(ctx))
	}
}

// isLacking looks for a LacksError in an error and what it wraps.
func isLacking(err error) bool {
	var l LacksError
	return errors.As(err, &l)
}

// Case is a row of checks, each of which leaves the cluster as it found it.
type Case struct {
	Name string
	// Before brings what the checks need beside the tree; nil where there is nothing.
	Before func(context.Context, *Env) error
	Checks []Check
	// After undoes what Before and the checks leave to each other since doing so takes long; nil where there is nothing.
	After func(context.Context, *Env) error
}

// All are the cases that need nothing but the tree, in the order in which they run.
func All() []Case {
	return []Case{serve(), canary(), shift(), faults(), replace(), mtls(), authorization(), network()}
}

// patience is how long a check waits for something that takes seconds.
const patience = 2 * time.Minute

// eventually asks every now and then until the condition holds. Its error has the last answer.
func eventually(ctx context.Context, what string, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := time.Now()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", time.Since(start).Round(time.Second), what, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Apply applies a kustomization as a person does.
func (e *Env) Apply(ctx context.Context, dir string) error {
	_, err := e.Kubectl.Run(ctx, "apply", "-k", dir)
	return err
}

// FirstAnswer waits until a question comes through.
func (e *Env) FirstAnswer(ctx context.Context) error {
	err := eventually(ctx, "the first answer", func(ctx context.Context) error {
		return e.Client(1).Chat(ctx, load.Request{Tokens: 4}).Err
	})
	for _, service := range e.Tree.Services {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, e.troubles(ctx, service.Name))
		}
	}
	return err
}

// Forget removes what a Mistake, or one that was cut off, has left beside the tree.
func (e *Env) Forget(ctx context.Context) error {
	_, err := e.Kubectl.Run(ctx, "delete", "authorizationpolicies,destinationrules,envoyfilters", "-A", "-l", mistakeLabel)
	return errors.Join(err, e.leaveFlux(ctx), e.leaveScaling(ctx))
}

// Mend undoes what a check broke: what is not of the tree goes, and the tree is applied again.
func (e *Env) Mend(ctx context.Context) error {
	if err := e.Forget(ctx); err != nil {
		return err
	}
	if err := errors.Join(e.mend(ctx), e.Ready(ctx)); err != nil {
		return err
	}
	checks := []func(context.Context, *Env) error{testersReach, answersCaller, othersRefused, gatewayPasses}
	if e.has("PeerAuthentication") {
		checks = append(checks, serverRefuses)
	}
	for _, check := range checks {
		err := eventually(ctx, "the mesh to be as before", func(ctx context.Context) error {
			err := check(ctx, e.quiet())
			if isLacking(err) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
