package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/eks"
	"github.com/kservegen/kservegen/pkg/eks/network"
	"github.com/kservegen/kservegen/pkg/gatewayapi"
	"github.com/kservegen/kservegen/pkg/gitops"
	"github.com/kservegen/kservegen/pkg/istio"
	"github.com/kservegen/kservegen/pkg/k8s"
	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// SharedName is the folder of what documents share. No model can be called so.
const SharedName = "_shared"

// Shared renders what the documents of a run have in common and none of them may own: namespaces with their
// policies and quotas, gateways and what these answer themselves, nodes. There may be nothing of it; then it returns nil. The order
// of the documents doesn't matter.
func (g *Generator) Shared(deployments []*spec.Deployment) (*Tree, error) {
	deployments = slices.SortedFunc(slices.Values(deployments), func(a, b *spec.Deployment) int { return cmp.Compare(a.Name, b.Name) })
	var names []string
	targets := map[string][]spec.Target{}
	var digests strings.Builder
	for _, m := range deployments {
		fmt.Fprintln(&digests, m.Digest())
		for _, target := range m.Environments {
			if !slices.Contains(names, target.Environment) {
				names = append(names, target.Environment)
			}
			targets[target.Environment] = append(targets[target.Environment], target)
		}
	}
	slices.Sort(names)
	environments := make([]plannedEnvironment, 0, len(names))
	for _, name := range names {
		objects, err := sharedObjects(targets[name])
		if err != nil {
			return nil, fmt.Errorf("rendering what is shared: %w", err)
		}
		environments = append(environments, plannedEnvironment{name: name, objects: objects})
	}
	if !slices.ContainsFunc(environments, func(e plannedEnvironment) bool { return len(e.objects) > 0 }) {
		return nil, nil
	}
	tree, err := g.assemble(SharedName, environments[0].objects, environments)
	if err != nil {
		return nil, fmt.Errorf("rendering what is shared: %w", err)
	}
	for i, name := range names {
		if how := syncOf(targets[name]); how != nil {
			if err := g.addSync(tree, i, how, gitops.Shared(SharedName, name, *how, sharedLabels())); err != nil {
				return nil, fmt.Errorf("rendering what is shared: %w", err)
			}
		}
	}
	sum := sha256.Sum256([]byte(digests.String()))
	tree.Lock = newLock("sha256:"+hex.EncodeToString(sum[:]), tree.Files)
	return tree, nil
}

// syncOf is how the first of several models that is synced at all is; spec.CheckSync wants the others to agree.
func syncOf(targets []spec.Target) *spec.GitOps {
	for _, t := range targets {
		if t.GitOps != nil && t.GitOps.Engine != "" {
			return t.GitOps
		}
	}
	return nil
}

func sharedLabels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/managed-by": "kservegen", "app.kubernetes.io/part-of": "kservegen-shared",
	}
}

func sharedObjects(targets []spec.Target) ([]planned, error) {
	labels := sharedLabels()
	var objects []manifest.Object
	quotas := spec.Quotas(targets)
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.Namespace] {
			continue
		}
		seen[t.Namespace] = true
		if t.Namespace != "default" {
			objects = append(objects, k8s.Namespace(t.Namespace, labels))
		}
		if quota := quotas[t.Namespace]; len(quota) > 0 {
			objects = append(objects, k8s.ResourceQuota(t.Namespace, quota, labels))
		}
		if strictEverywhere(targets, t.Namespace) {
			objects = append(objects, istio.NamespacePolicies(t.Namespace, labels)...)
		}
	}
	objects = append(objects, k8s.StorageClasses(targets, labels)...)
	objects = append(objects, kserve.Caches(targets, labels)...)
	objects = append(objects, istio.Gateways(targets, labels)...)
	objects = append(objects, istio.ModelLists(targets, labels)...)
	objects = append(objects, gatewayapi.Gateways(targets, labels)...)
	objects = append(objects, istio.Buckets(targets, labels)...)
	objects = append(objects, network.LoadBalancers(targets, labels)...)
	objects = append(objects, k8s.SpareClass(targets, labels)...)
	rules, err := k8s.AdapterRules(targets, labels)
	if err != nil {
		return nil, err
	}
	objects = append(objects, rules...)
	objects = append(objects, eks.Nodes(targets, labels)...)
	list := make([]planned, 0, len(objects))
	for _, object := range objects {
		list = append(list, planned{object, rankOf(object.File)})
	}
	return union(list), nil
}

// strictEverywhere reports that every model of a namespace wants STRICT, and so may the namespace.
func strictEverywhere(targets []spec.Target, namespace string) bool {
	for _, t := range targets {
		if t.Namespace == namespace && t.Security.MTLS != "strict" {
			return false
		}
	}
	return true
}
