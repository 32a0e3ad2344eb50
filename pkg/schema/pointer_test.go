package schema_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/schema"
)

func TestPointer(t *testing.T) {
	t.Parallel()
	object := map[string]any{
		"spec": map[string]any{
			"list":   []any{map[string]any{"a": "b"}},
			"labels": map[string]any{"app": "x", "app.kubernetes.io": "y", "app.kubernetes.io/name": "z", "a]b": "c", "~": "t"},
			"":       "empty",
		},
	}
	for path, want := range map[string]string{
		"":                                    "",
		"spec":                                "/spec",
		".spec.replicas":                      "/spec/replicas",
		"spec.list[0].a":                      "/spec/list/0/a",
		"spec.list[0]":                        "/spec/list/0",
		"spec.list[7].b":                      "/spec/list/7/b",
		"spec.missing.deeper[2]":              "/spec/missing/deeper/2",
		"spec.labels.app":                     "/spec/labels/app",
		"spec.labels.app.kubernetes.io/name":  "/spec/labels/app.kubernetes.io~1name",
		"spec.labels[app.kubernetes.io/name]": "/spec/labels/app.kubernetes.io~1name",
		"spec.labels[a]b]":                    "/spec/labels/a]b",
		"spec.labels.~":                       "/spec/labels/~0",
		"[":                                   "/",
		"a[":                                  "/a/",
		"..":                                  "",
	} {
		assert.Equal(t, want, schema.Pointer(object, path), path)
	}
}
