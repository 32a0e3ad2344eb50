package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	kservebeta "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// The labels that Flux puts on what it applies.
const (
	ownerName      = "kustomize.toolkit.fluxcd.io/name"
	ownerNamespace = "kustomize.toolkit.fluxcd.io/namespace"
)

// syncLabels select the objects that render makes for Flux.
const syncLabels = "app.kubernetes.io/managed-by=kservegen"

// leaveFlux takes all of Flux out of the cluster but its controllers, which have nothing to do then.
func (e *Env) leaveFlux(ctx context.Context) error {
	known, err := e.Kubectl.Run(ctx, "get", "--ignore-not-found", "-o", "name", "crd", kustomizations, gitRepositories, artifacts)
	if err != nil || len(strings.Fields(known)) < 3 {
		return err // it was never installed, or not to its end: there is nothing of it
	}
	if err := e.deleteFlux(ctx); err != nil {
		return err
	}
	unlabelled, err := e.unlabel(ctx)
	if err != nil || unlabelled == 0 {
		return err
	}
	return e.followed(ctx)
}

// deleteFlux deletes what render made for Flux, if there is anything, whatever it is called, and nothing of the tree.
func (e *Env) deleteFlux(ctx context.Context) error {
	for _, resource := range []string{kustomizations, gitRepositories, artifacts} {
		if _, err := e.Kubectl.Run(ctx, "-n", install.FluxNamespace, "delete", resource, "-l", syncLabels, "--timeout="+patience.String()); err != nil {
			return err
		}
	}
	return nil
}

// unlabel takes Flux's labels from the tree's objects, and returns from how many.
func (e *Env) unlabel(ctx context.Context) (int, error) {
	kinds := map[string][]string{}
	for _, object := range e.Tree.Objects {
		metadata, _ := object["metadata"].(map[string]any)
		namespace, _ := metadata["namespace"].(string)
		if kind := qualifiedKind(object); namespace != "" && !slices.Contains(kinds[namespace], kind) {
			kinds[namespace] = append(kinds[namespace], kind)
		}
	}
	count, err := e.unlabelKinds(ctx, "namespaces") // one that documents share
	for namespace, kinds := range kinds {
		if err != nil {
			return count, err
		}
		var more int
		more, err = e.unlabelKinds(ctx, strings.Join(kinds, ","), "-n", namespace)
		count += more
	}
	return count, err
}

// unlabelKinds takes Flux's labels from all objects of some kinds.
func (e *Env) unlabelKinds(ctx context.Context, kinds string, where ...string) (int, error) {
	out, err := e.Kubectl.Run(ctx, slices.Concat(where, []string{"get", "-o", "name", "-l", ownerName, kinds})...)
	labelled := strings.Fields(out)
	if err != nil || len(labelled) == 0 {
		return 0, err
	}
	_, err = e.Kubectl.Run(ctx, slices.Concat(where, []string{"label"}, labelled, []string{ownerName + "-", ownerNamespace + "-"})...)
	return len(labelled), err
}

// qualifiedKind is an object's kind as kubectl takes it: Kind, or Kind.version.group.
func qualifiedKind(object map[string]any) string {
	version, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	group, version, found := strings.Cut(version, "/")
	if !found {
		return kind
	}
	return kind + "." + version + "." + group
}

// followed waits until KServe's Deployments have Flux's labels as the InferenceServices have, which KServe copies into
// the pods (its predictor.go in pkg/controller/v1beta1/inferenceservice/components, buildObjectMeta), and all pods are new.
func (e *Env) followed(ctx context.Context) error {
	list, err := kubectl.Get[kservebeta.InferenceServiceList](ctx, e.Kubectl, "inferenceservices", "-n", e.Tree.Namespace())
	if err != nil {
		return err
	}
	var errs []error
	for _, service := range list.Items {
		name := tree.Deployment(service)
		err := eventually(ctx, "KServe to copy the labels into "+name, func(ctx context.Context) error {
			d, err := kubectl.Get[appsv1.Deployment](ctx, e.Kubectl, "deployment", "-n", service.Namespace, name)
			if err == nil && d.Spec.Template.Labels[ownerName] != service.Labels[ownerName] {
				err = fmt.Errorf("%s is %q, not %q", ownerName, d.Spec.Template.Labels[ownerName], service.Labels[ownerName])
			}
			return err
		})
		if err == nil {
			_, err = e.Kubectl.Run(ctx, "-n", service.Namespace, "rollout", "status", "deployment/"+name, "--timeout=8m")
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
