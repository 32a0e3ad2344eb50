// Package cases are what the suite proves in a running cluster, one file each. A case is a row of checks; a check
// that needs other objects has them in a YAML file of its name.
package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	appsv1 "k8s.io/api/apps/v1"

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
	// Host returns the address at which pods reach this machine.
	Host func(context.Context) (string, error)
	// Temporary returns an empty folder that goes away after the check.
	Temporary func() string
	// Out gets the figures.
	Out io.Writer
}

// Figure prints what was measured.
func (e *Env) Figure(format string, args ...any) { fmt.Fprintf(e.Out, format+"\n", args...) }

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
		err := check(ctx, e)
		if isViolated(err) {
			return nil
		}
		if lacks := (LacksError{}); errors.As(err, &lacks) {
			lacking = lacks
			return nil
		}
		if err == nil {
			err = errors.New("nothing tells of it")
		}
		return err
	})
	return errors.Join(err, lacking)
}

// Case is a row of checks, each of which leaves the cluster as it found it.
type Case struct {
	Name   string
	Checks []Check
	// After undoes what the checks leave to each other since doing so takes long; nil where there is nothing.
	After func(context.Context, *Env) error
}

// All are the cases in the order in which they run.
func All() []Case {
	return []Case{serve(), canary(), shift(), mtls(), authorization(), network(), flux()}
}

// patience is how long a check waits for something that takes seconds.
const patience = 2 * time.Minute

// eventually asks every now and then until the condition holds. Its error has the last answer.
func eventually(ctx context.Context, what string, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", patience, what, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Apply applies a kustomization as a person does.
func (e *Env) Apply(ctx context.Context, dir string) error {
	_, err := e.Kubectl.Run(ctx, "apply", "-k", dir)
	return err
}

// Ready waits until every InferenceService of the tree is, with all replicas that it has without load. KServe starts
// with one and an autoscaler brings it to its minimum.
func (e *Env) Ready(ctx context.Context) error {
	args := []string{"-n", e.Tree.Namespace(), "wait", "--for=condition=Ready", "--timeout=" + patience.String()}
	for _, service := range e.Tree.Services {
		args = append(args, "inferenceservice/"+service.Name)
	}
	if _, err := e.Kubectl.Run(ctx, args...); err != nil {
		return err
	}
	for _, service := range e.Tree.Services {
		name, want := tree.Deployment(service), int32(1)
		if replicas := service.Spec.Predictor.MinReplicas; replicas != nil {
			want = *replicas
		}
		if err := eventually(ctx, fmt.Sprintf("%d replicas of %s", want, name), func(ctx context.Context) error {
			d, err := kubectl.Get[appsv1.Deployment](ctx, e.Kubectl, "deployment", "-n", e.Tree.Namespace(), name)
			if err == nil && (d.Status.ObservedGeneration < d.Generation || d.Status.AvailableReplicas != want ||
				d.Status.Replicas != want || d.Status.UpdatedReplicas != want) {
				err = fmt.Errorf("%d of %d are available, %d updated", d.Status.AvailableReplicas, d.Status.Replicas, d.Status.UpdatedReplicas)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// FirstAnswer waits until a question comes through.
func (e *Env) FirstAnswer(ctx context.Context) error {
	return eventually(ctx, "the first answer", func(ctx context.Context) error {
		return e.Client(1).Chat(ctx, load.Request{Tokens: 4}).Err
	})
}

// Forget removes what a Mistake, or one that was cut off, has left beside the tree.
func (e *Env) Forget(ctx context.Context) error {
	_, err := e.Kubectl.Run(ctx, "delete", "authorizationpolicies,destinationrules", "-A", "-l", mistakeLabel)
	return errors.Join(err, e.leaveFlux(ctx))
}

// Mend undoes what a check broke: what is not of the tree goes, and the tree is applied again.
func (e *Env) Mend(ctx context.Context) error {
	if err := e.Forget(ctx); err != nil {
		return err
	}
	if err := errors.Join(e.mend(ctx), e.Ready(ctx)); err != nil {
		return err
	}
	checks := []func(context.Context, *Env) error{testersReach, answersCaller, othersRefused}
	if e.has("PeerAuthentication") {
		checks = append(checks, serverRefuses)
	}
	for _, check := range checks {
		err := eventually(ctx, "the mesh to be as before", func(ctx context.Context) error {
			err := check(ctx, e)
			if lacks := (LacksError{}); errors.As(err, &lacks) {
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
