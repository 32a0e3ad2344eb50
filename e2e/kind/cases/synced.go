package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/sources"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/gitops"
	"github.com/kservegen/kservegen/pkg/spec"
)

// The resources of Flux as kubectl takes them.
const (
	kustomizations  = "kustomizations.kustomize.toolkit.fluxcd.io"
	gitRepositories = "gitrepositories.source.toolkit.fluxcd.io"
	artifacts       = "ocirepositories.source.toolkit.fluxcd.io"
)

// source is what Flux pulls.
type source interface {
	URL() string
	// Publish makes what is in the folder the newest, and returns its revision as Flux names it.
	Publish(ctx context.Context) (string, error)
	Close() error
}

// synced is a cluster whose tree Flux pulls from a copy.
type synced struct {
	*Env
	// root is the folder that is pulled, copy the overlay in it, document what it was rendered of.
	root     string
	copy     *tree.Tree
	document document
	source   source
	// name of Flux's objects, which render takes from the document. It is the same in all checks: Flux puts it on what it
	// applies, as a label, and KServe on the pods, which another name would restart.
	name string
	// ref is the source's branch or tag as a document says it.
	ref map[string]any
	// kind is the source's as Flux names it, resource the same as kubectl does.
	kind, resource string
}

// withGit has a copy of the tree in a repository of Git for as long as something runs. Flux is to be told by start.
func (e *Env) withGit(ctx context.Context, run func(context.Context, *synced, *sources.Git) error) error {
	s, host, err := e.pulled(ctx)
	if err != nil {
		return err
	}
	repository, err := sources.NewGit(ctx, s.root, host)
	if err != nil {
		return err
	}
	s.source, s.ref = repository, map[string]any{"branch": sources.Branch}
	s.kind, s.resource = sourcev1.GitRepositoryKind, gitRepositories
	return s.during(ctx, func(ctx context.Context) error { return run(ctx, s, repository) })
}

// withOCI is withGit for an artifact.
func (e *Env) withOCI(ctx context.Context, run func(context.Context, *synced) error) error {
	s, host, err := e.pulled(ctx)
	if err != nil {
		return err
	}
	artifact, err := sources.NewOCI(ctx, s.root, host)
	if err != nil {
		return err
	}
	s.source, s.ref = artifact, map[string]any{"tag": sources.Tag}
	s.kind, s.resource = sourcev1.OCIRepositoryKind, artifacts
	return s.during(ctx, func(ctx context.Context) error { return run(ctx, s) })
}

// pulled copies the tree. The host is this machine for pods.
func (e *Env) pulled(ctx context.Context) (s *synced, host string, err error) {
	s = &synced{Env: e, root: e.Temporary()}
	if s.document, err = e.ownDocument(); err != nil {
		return nil, "", err
	}
	if s.name, err = e.model(); err != nil {
		return nil, "", err
	}
	if s.copy, err = e.copied(s.pulledFolder()); err != nil {
		return nil, "", err
	}
	host, err = e.Host(ctx)
	return s, host, err
}

// pulledFolder is that of the model in what is pulled: where render has it be.
func (s *synced) pulledFolder() string { return filepath.Join(s.root, s.name) }

// during ends with a cluster that has the tree and no object of Flux. Its labels stay for the next check: without them
// KServe restarts every pod.
func (s *synced) during(ctx context.Context, run func(context.Context) error) error {
	err := run(ctx)
	s.undo(ctx, &err, s.deleteFlux, s.orphaned, s.mend)
	return errors.Join(err, s.source.Close())
}

// orphaned wants all of what was synced last to be there without Flux.
func (s *synced) orphaned(ctx context.Context) error {
	found, err := s.found(ctx, s.copy.Objects)
	if err == nil && len(found) != len(s.copy.Objects) {
		err = violated("of %d objects %d are left without Flux's Kustomization", len(s.copy.Objects), len(found))
	}
	return err
}

// start tells Flux of the source, and waits until it has applied it and KServe has followed.
func (s *synced) start(ctx context.Context) error {
	revision, err := s.source.Publish(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := s.configure(ctx); err != nil {
		return err
	}
	return s.settled(ctx, revision, start)
}

// settled waits until Flux has applied a revision, and KServe has followed. Then is when that began.
func (s *synced) settled(ctx context.Context, revision string, then time.Time) error {
	// Longer than for a step: KServe may be replacing every pod, and Flux waits for that.
	if _, err := s.Kubectl.Run(ctx, "-n", install.FluxNamespace, "wait", "--for=condition=Ready", "--timeout=8m", kustomizations+"/"+s.name); err != nil {
		k, also := s.kustomization(ctx)
		return errors.Join(err, also, fmt.Errorf("the Kustomization is %s", state(k)))
	}
	if err := s.ready(ctx, revision); err != nil {
		return err
	}
	s.Figure("%s: Ready at %.20s after %.1f s", s.kind, revision, time.Since(then).Seconds())
	if err := s.followed(ctx); err != nil {
		return err
	}
	return s.ready(ctx, revision)
}

// configure makes Flux's objects, or changes them to what the document is now.
func (s *synced) configure(ctx context.Context) error {
	out, err := s.render(ctx, s.document.pulledFrom(s.source.URL(), s.ref))
	if err != nil {
		return err
	}
	return s.tell(ctx, out, s.name)
}

// tell applies what render has written to make Flux pull one of the trees.
func (s *synced) tell(ctx context.Context, out, name string) error {
	objects, err := forTest(out, path.Join(name, gitops.Folder(spec.EngineFlux, s.environment())))
	if err != nil {
		return err
	}
	return s.Kubectl.Apply(ctx, objects...)
}

// shift commits other weights by the lines that a person would change.
func (s *synced) shift(ctx context.Context, shares tree.Shares) error {
	changed, err := s.copy.Shift(shares)
	if err == nil && len(changed) == 0 {
		err = fmt.Errorf("the tree has the weights %v already: there is nothing to commit", shares)
	}
	if err != nil {
		return err
	}
	return s.roll(ctx, "a commit of the weights", shares, s.source.Publish)
}

// roll publishes something and waits until Envoy has the weights, and Flux says that it is done.
func (s *synced) roll(ctx context.Context, what string, shares tree.Shares, publish func(context.Context) (string, error)) error {
	start := time.Now()
	revision, err := s.send(ctx, publish)
	if err != nil {
		return err
	}
	if err := s.routed(ctx, shares); err != nil {
		return err
	}
	s.Figure("%s (%s): Envoy has %v after %.1f s", what, s.kind, shares, time.Since(start).Seconds())
	return s.ready(ctx, revision)
}

// send publishes something, and has Flux look for it.
func (s *synced) send(ctx context.Context, publish func(context.Context) (string, error)) (revision string, err error) {
	if revision, err = publish(ctx); err != nil {
		return "", err
	}
	return revision, s.pull(ctx)
}

// pull has Flux look at its source at once, as `flux reconcile` does.
func (s *synced) pull(ctx context.Context) error { return s.request(ctx, s.resource, token()) }

func (s *synced) request(ctx context.Context, resource, token string) error {
	_, err := s.Kubectl.Run(ctx, "-n", install.FluxNamespace, "annotate", "--overwrite", resource, s.name, meta.ReconcileRequestAnnotation+"="+token)
	return err
}

func token() string { return time.Now().UTC().Format(time.RFC3339Nano) }

// suspend stops Flux or lets it go on. It stops right after a sync, so that none is going on.
func (s *synced) suspend(ctx context.Context, yes bool) error {
	if yes {
		asked := token()
		if err := s.request(ctx, kustomizations, asked); err != nil {
			return err
		}
		if err := eventually(ctx, "a sync to be over", func(ctx context.Context) error {
			k, err := s.kustomization(ctx)
			if err == nil && (k.Status.LastHandledReconcileAt != asked || !apimeta.IsStatusConditionTrue(k.Status.Conditions, meta.ReadyCondition)) {
				err = fmt.Errorf("it is %s", state(k))
			}
			return err
		}); err != nil {
			return err
		}
	}
	_, err := s.Kubectl.Run(ctx, "-n", install.FluxNamespace, "patch", kustomizations, s.name, "--type=merge", "-p", fmt.Sprintf(`{"spec":{"suspend":%t}}`, yes))
	return err
}

func (s *synced) kustomization(ctx context.Context) (kustomizev1.Kustomization, error) {
	return kubectl.Get[kustomizev1.Kustomization](ctx, s.Kubectl, kustomizations, "-n", install.FluxNamespace, s.name)
}

// ready waits until Flux has applied that revision, and all that it looks at is healthy.
func (s *synced) ready(ctx context.Context, revision string) error {
	return eventually(ctx, "Flux to be ready at "+revision, func(ctx context.Context) error {
		k, err := s.kustomization(ctx)
		if err == nil && (k.Status.ObservedGeneration != k.Generation || k.Status.LastAppliedRevision != revision ||
			!apimeta.IsStatusConditionTrue(k.Status.Conditions, meta.ReadyCondition)) {
			err = fmt.Errorf("it is %s", state(k))
		}
		return err
	})
}

// waits waits until Flux waits for what that revision has brought to be healthy.
func (s *synced) waits(ctx context.Context, revision string) error {
	return eventually(ctx, "Flux to wait for what is in "+revision, func(ctx context.Context) error {
		k, err := s.kustomization(ctx)
		if err != nil {
			return err
		}
		healthy := apimeta.FindStatusCondition(k.Status.Conditions, meta.HealthyCondition)
		if k.Status.LastAttemptedRevision != revision || healthy == nil || healthy.Status != metav1.ConditionUnknown {
			return fmt.Errorf("it is %s", state(k))
		}
		return nil
	})
}

// tried waits until Flux has begun to apply that revision.
func (s *synced) tried(ctx context.Context, revision string) error {
	return eventually(ctx, "Flux to apply "+revision, func(ctx context.Context) error {
		k, err := s.kustomization(ctx)
		if err == nil && k.Status.LastAttemptedRevision != revision {
			err = fmt.Errorf("it is %s", state(k))
		}
		return err
	})
}

// failed waits until Flux says that it could not apply that revision, for that reason, and returns what it says.
func (s *synced) failed(ctx context.Context, revision, reason string) (message string, err error) {
	err = eventually(ctx, "Flux to refuse "+revision, func(ctx context.Context) error {
		k, err := s.kustomization(ctx)
		if err != nil {
			return err
		}
		ready := apimeta.FindStatusCondition(k.Status.Conditions, meta.ReadyCondition)
		if k.Status.LastAttemptedRevision != revision || ready == nil || ready.Status != metav1.ConditionFalse || ready.Reason != reason {
			return fmt.Errorf("it is %s", state(k))
		}
		message = ready.Message
		return nil
	})
	return message, err
}

// state is what a Kustomization says of itself, for an error.
func state(k kustomizev1.Kustomization) string {
	said := "without a condition"
	if ready := apimeta.FindStatusCondition(k.Status.Conditions, meta.ReadyCondition); ready != nil {
		said = fmt.Sprintf("Ready=%s, %s: %s", ready.Status, ready.Reason, ready.Message)
	}
	return fmt.Sprintf("%s, applied %s, tried %s", said, k.Status.LastAppliedRevision, k.Status.LastAttemptedRevision)
}

// found are those of the objects that are in the cluster, as KIND/NAME.
func (e *Env) found(ctx context.Context, objects []map[string]any) ([]string, error) {
	out, err := e.Kubectl.OfObjects(ctx, objects, "get", "--ignore-not-found", "-o", "name")
	return strings.Fields(out), err
}

// owned wants every object of the tree to be applied by Flux, and none of its fields to be kubectl's any more.
func (e *Env) owned(ctx context.Context) error {
	out, err := e.Kubectl.OfObjects(ctx, e.Tree.Objects, "get", "--show-managed-fields", "-o", "json")
	if err != nil {
		return err
	}
	var found struct {
		Items []metav1.PartialObjectMetadata
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return err
	}
	if len(found.Items) != len(e.Tree.Objects) {
		return violated("%d of %d objects are in the cluster", len(found.Items), len(e.Tree.Objects))
	}
	for _, object := range found.Items {
		owners := managers(object.ManagedFields)
		if !owners["kustomize-controller"] || owners["kubectl"] {
			return violated("%s %s is managed by %v after Flux's first sync", object.Kind, object.Name, owners)
		}
	}
	e.Figure("%d objects are Flux's, none kubectl's any more", len(found.Items))
	return nil
}

// managers are who applied an object's fields: Flux by server-side apply, or kubectl by whatever command.
func managers(entries []metav1.ManagedFieldsEntry) map[string]bool {
	owners := map[string]bool{}
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Manager, "kubectl"):
			owners["kubectl"] = true
		case entry.Operation == metav1.ManagedFieldsOperationApply:
			owners[entry.Manager] = true
		}
	}
	return owners
}
