package render

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// op is one JSON6902 operation.
type op struct {
	op, path string
	value    any
}

// compare returns the operations that make want of base. A test stands before each replacement and removal, so
// that a base that changed under the patch fails the build instead of being patched silently.
func compare(base, want map[string]any) []op {
	c := &comparer{}
	c.maps(base, want)
	return c.ops
}

// comparer walks two values side by side. Most of an overlay's objects are like the base's, so a path is put
// together only where something differs.
type comparer struct {
	ops  []op
	path []string
}

func (c *comparer) maps(base, want map[string]any) {
	for _, key := range union2(base, want) {
		was, inBase := base[key]
		now, inWant := want[key]
		c.path = append(c.path, key)
		switch {
		case !inBase:
			c.add("add", now)
		case !inWant && c.annotations():
			if was, ok := was.(map[string]any); ok {
				c.maps(was, nil)
			}
		case !inWant:
			c.add("test", was)
			c.add("remove", nil)
		default:
			c.values(was, now)
		}
		c.path = c.path[:len(c.path)-1]
	}
}

// annotations says that the path is that of an object's. They are removed one by one: while it builds, Kustomize keeps
// notes of its own among them (its api/internal/utils/annotations.go), so that a test of them all would fail.
func (c *comparer) annotations() bool {
	return slices.Equal(c.path, []string{"metadata", "annotations"})
}

func (c *comparer) values(was, now any) {
	switch was := was.(type) {
	case map[string]any:
		if now, ok := now.(map[string]any); ok {
			c.maps(was, now)
			return
		}
	case []any:
		if now, ok := now.([]any); ok && len(was) == len(now) {
			for i := range was {
				c.path = append(c.path, strconv.Itoa(i))
				c.values(was[i], now[i])
				c.path = c.path[:len(c.path)-1]
			}
			return
		}
	case string:
		if now, ok := now.(string); ok && was == now {
			return
		}
	}
	if !reflect.DeepEqual(was, now) {
		c.add("test", was)
		c.add("replace", now)
	}
}

func (c *comparer) add(operation string, value any) {
	var path strings.Builder
	for _, step := range c.path {
		path.WriteByte('/')
		path.WriteString(manifest.EscapeToken(step))
	}
	c.ops = append(c.ops, op{operation, path.String(), value})
}

func union2(a, b map[string]any) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// opsData is a patch file's content.
func opsData(ops []op) []any {
	list := make([]any, 0, len(ops))
	for _, o := range ops {
		entry := map[string]any{"op": o.op, "path": o.path}
		if o.op != "remove" {
			entry["value"] = o.value
		}
		list = append(list, entry)
	}
	return list
}
