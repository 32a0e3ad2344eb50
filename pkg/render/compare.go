package render

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// op is one JSON6902 operation.
type op struct {
	op, path string
	value    any
}

// compare returns the operations that make want of base. A test stands before each replacement and removal, so
// that a base that changed under the patch fails the build instead of being patched silently.
func compare(base, want map[string]any) []op {
	var ops []op
	compareMaps(&ops, "", base, want)
	return ops
}

func compareMaps(ops *[]op, path string, base, want map[string]any) {
	for _, key := range union2(base, want) {
		below := path + "/" + escape(key)
		was, inBase := base[key]
		now, inWant := want[key]
		switch {
		case !inBase:
			*ops = append(*ops, op{"add", below, now})
		case !inWant:
			*ops = append(*ops, op{"test", below, was}, op{"remove", below, nil})
		default:
			compareValues(ops, below, was, now)
		}
	}
}

func compareValues(ops *[]op, path string, was, now any) {
	switch was := was.(type) {
	case map[string]any:
		if now, ok := now.(map[string]any); ok {
			compareMaps(ops, path, was, now)
			return
		}
	case []any:
		if now, ok := now.([]any); ok && len(was) == len(now) {
			for i := range was {
				compareValues(ops, path+"/"+strconv.Itoa(i), was[i], now[i])
			}
			return
		}
	}
	if !reflect.DeepEqual(was, now) {
		*ops = append(*ops, op{"test", path, was}, op{"replace", path, now})
	}
}

func union2(a, b map[string]any) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

func escape(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func unescape(key string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
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
