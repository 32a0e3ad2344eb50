// Package kustomization holds the rules about kustomization files: what differs between the programs that build
// them, and what Kustomize does not do for custom resources.
package kustomization

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		remoteBase(), renamed(), ownSchema(), openOrder(), plugins(), mergedList(), selectorLabels(), imageOfModel(),
		untestedIndex(), deprecatedField(), absolutePath(),
	}
}

// paths calls f with every path that a kustomization names.
func paths(file *rule.Object, f func(rule.Value)) {
	for _, list := range []string{"resources", "components", "bases", "crds", "configurations"} {
		for entry := range file.Field(list).Items() {
			f(entry)
		}
	}
	for _, list := range []string{"patches", "patchesJson6902", "replacements"} {
		for entry := range file.Field(list).Items() {
			f(entry.Field("path"))
		}
	}
}

// builtIn says whether Kustomize knows the lists of a group's kinds.
func builtIn(apiVersion string) bool {
	group, _, found := strings.Cut(apiVersion, "/")
	return !found || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.HasPrefix(group, "gateway.") && !strings.Contains(group, "x-k8s.io")
}
