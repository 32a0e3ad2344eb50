package cases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/kservegen/kservegen/e2e/kind/sources"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/spec"
)

// sharedTree is the folder that `render --shared` writes.
const sharedTree = "_shared"

// depends: the tree is applied when what documents share is, by the Kustomization that `render --shared` writes, and not
// before: an edit by hand stays until then.
func depends(ctx context.Context, e *Env) error {
	return e.withGit(ctx, func(ctx context.Context, s *synced, _ *sources.Git) error {
		out, err := s.render(ctx, s.document.pulledFrom(s.source.URL(), s.ref, spec.SharedSync), "--shared")
		if err != nil {
			return err
		}
		if err := s.share(filepath.Join(out, sharedTree)); err != nil {
			return err
		}
		revision, err := s.source.Publish(ctx)
		if err != nil {
			return err
		}
		edited, err := e.editByHand(ctx)
		if err != nil {
			return err
		}
		if err := s.tell(ctx, out, s.name); err != nil {
			return err
		}
		if err := errors.Join(s.dependent(ctx), s.untouched(ctx, edited)); err != nil {
			return err
		}
		start := time.Now()
		if err := s.tell(ctx, out, sharedTree); err != nil {
			return err
		}
		return errors.Join(s.settled(ctx, revision, start), e.undone(ctx, edited))
	})
}

// share puts what documents share beside the tree that is pulled, and leaves of it the namespace: the suite has a gateway
// and policies of its own, and wants the namespace to be afterwards what it was.
func (s *synced) share(rendered string) error {
	if _, err := os.Stat(rendered); errors.Is(err, os.ErrNotExist) {
		return lacks("nothing that it would share with others")
	}
	to := filepath.Join(s.root, sharedTree)
	if err := os.CopyFS(to, os.DirFS(rendered)); err != nil {
		return err
	}
	shared, err := tree.Read(filepath.Join(to, "overlays", s.environment()))
	if err != nil {
		return err
	}
	patches, err := namespacesAlone(shared.Objects)
	if err != nil {
		return err
	}
	_, err = shared.Customize(patches...)
	return err
}

// namespacesAlone are patches that leave of objects the Namespaces, without labels.
func namespacesAlone(objects []map[string]any) ([]tree.Patch, error) {
	patches := []tree.Patch{{Kind: "Namespace", Patch: `[{"op": "remove", "path": "/metadata/labels"}]`}}
	namespaces := 0
	for _, object := range objects {
		kind, _ := object["kind"].(string)
		if kind == "Namespace" {
			namespaces++
			continue
		}
		patches = append(patches, tree.Patch{
			Kind: kind, Patch: fmt.Sprintf("{apiVersion: %v, kind: %s, metadata: {name: any}, $patch: delete}", object["apiVersion"], kind),
		})
	}
	if namespaces == 0 {
		return nil, lacks("no namespace that it would share with others")
	}
	return patches, nil
}

// dependent waits until Flux says that it waits for another Kustomization, and wants it to have applied nothing.
func (s *synced) dependent(ctx context.Context) error {
	return eventually(ctx, "Flux to wait for "+spec.SharedSync, func(ctx context.Context) error {
		k, err := s.kustomization(ctx)
		if err != nil {
			return err
		}
		ready := apimeta.FindStatusCondition(k.Status.Conditions, meta.ReadyCondition)
		if k.Status.LastAttemptedRevision != "" || ready == nil || ready.Reason != meta.DependencyNotReadyReason {
			return fmt.Errorf("it is %s", state(k))
		}
		return nil
	})
}
