package importer

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/manifest"
)

func TestDifferenceIsWhatAnOverrideSays(t *testing.T) {
	t.Parallel()
	base := map[string]any{"hosts": []any{"a"}, "gateway": "x/y", "path": "/a/"}
	assert.Equal(t, map[string]any{"hosts": []any{"b"}, "path": removed{}},
		difference(base, map[string]any{"hosts": []any{"b"}, "gateway": "x/y"}))
	assert.Equal(t, removed{}, difference(base, nil))
	assert.Equal(t, base, difference(nil, base))
}

func TestMostEnvironmentsDecide(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "b", most([]any{"a", "b", "b"}))
	assert.Equal(t, "b", most([]any{"a", "b"}), "the last, where they are even")
	assert.Nil(t, most([]any{nil, "b"}), "but nothing before something")
}

// TestRevisionsAndEnvironmentsAreToldApart: what changes with the revision goes there, what changes with the environment
// goes there, whatever the other does.
func TestRevisionsAndEnvironmentsAreToldApart(t *testing.T) {
	t.Parallel()
	cell := func(replicas int64) map[string]any {
		return map[string]any{"replicas": map[string]any{"min": replicas}}
	}
	drafts := []*draft{
		{name: "dev", model: "m", served: "m", revisions: []string{"v1", "v2"}, parts: map[string]map[string]any{"v1": cell(1), "v2": cell(5)}, whole: map[string]any{}},
		{name: "production", model: "m", served: "m", revisions: []string{"v1", "v2", "v3"}, parts: map[string]map[string]any{"v1": cell(2), "v2": cell(5), "v3": cell(2)}, whole: map[string]any{}},
	}
	document := compose(nil, drafts, true)
	assert.Equal(t, map[string]any{"min": int64(2)}, dig(document, "spec", "replicas"))
	assert.Equal(t, []any{
		map[string]any{"name": "v1"}, map[string]any{"name": "v2", "replicas": map[string]any{"min": int64(5)}}, map[string]any{"name": "v3"},
	}, dig(document, "spec", "revisions"))
	assert.Equal(t, []any{
		map[string]any{"name": "dev", "replicas": map[string]any{"min": int64(1)}}, map[string]any{"name": "production"},
	}, dig(document, "spec", "environments"))
}

func TestPlacesOfADocumentAreItsOwn(t *testing.T) {
	t.Parallel()
	model := map[string]any{"id": "a/b"}
	copied := manifest.DeepCopy(map[string]any{"model": model, "list": []any{model}})
	model["id"] = "c/d"
	assert.Equal(t, map[string]any{"model": map[string]any{"id": "a/b"}, "list": []any{map[string]any{"id": "a/b"}}}, copied)
}
