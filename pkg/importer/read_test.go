package importer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/load"
)

// TestWhatServesNothingIsAboutAllEnvironments, but a folder that is called like one of them is about that one.
func TestWhatServesNothingIsAboutAllEnvironments(t *testing.T) {
	t.Parallel()
	namespace := func(name string) string {
		return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + "}"
	}
	set := func(kind load.Kind, name, document string) load.Set {
		return load.Set{Kind: kind, Name: name, Resources: objects(t, document)}
	}
	in, err := environmentsOf(t.Context(), []load.Set{
		set(load.Kustomization, "apps/dev", server("chat", "")), set(load.Kustomization, "apps/default", server("chat", "")),
		set(load.Kustomization, "flux/dev", namespace("of-dev")), set(load.Kustomization, "shared", namespace("of-all")),
		set(load.Files, "files", namespace("loose")),
	})
	require.NoError(t, err)
	held := map[string][]string{}
	for _, e := range in.Environments {
		for _, r := range e.Resources[1:] {
			held[e.Name] = append(held[e.Name], r.Name())
		}
	}
	assert.Equal(t, map[string][]string{"dev": {"of-dev", "of-all", "loose"}, "default": {"of-all", "loose"}}, held)
}
