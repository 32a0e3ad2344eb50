package lint_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// FuzzShapes: whatever stands in any field of any object, no rule panics, and the findings have their places.
func FuzzShapes(f *testing.F) {
	all := fixtures(f)
	for i := range all {
		f.Add(uint(i), uint64(1))
	}
	f.Fuzz(func(t *testing.T, which uint, seed uint64) {
		chosen := all[which%uint(len(all))]
		mutateAndRun(t, chosen, readSet(t, chosen.file, chosen.data), seed)
	})
}

func TestAnyShape(t *testing.T) {
	t.Parallel()
	for _, fixture := range fixtures(t) {
		set := readSet(t, fixture.file, fixture.data)
		for seed := range uint64(20) {
			mutateAndRun(t, fixture, set, seed)
		}
	}
}

// mutateAndRun leaves the set as it is and judges a copy.
func mutateAndRun(t *testing.T, f fixture, set lint.Set, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, seed))
	for _, resources := range []*[]manifest.Resource{&set.Resources, &set.Kustomizations, &set.Patches} {
		*resources = slices.Clone(*resources)
		for i := range *resources {
			(*resources)[i].Data, _ = mutate(random, (*resources)[i].Data, 0).(map[string]any)
		}
	}
	for _, found := range run(t, versionsOf(t, f.data), set) {
		if found.Code == "" || found.Message == "" || found.File == "" && strings.HasPrefix(found.Path, "/") {
			t.Errorf("a finding without its place: %+v", found)
		}
	}
}

// mutate replaces about one value of forty by something of another shape, drops some, and repeats some.
func mutate(random *rand.Rand, value any, depth int) any {
	if depth > 0 && random.IntN(40) == 0 {
		return anything(random)
	}
	switch value := value.(type) {
	case map[string]any:
		changed := make(map[string]any, len(value))
		for _, key := range sortedKeys(value) {
			if depth > 2 && random.IntN(60) == 0 {
				continue
			}
			changed[key] = mutate(random, value[key], depth+1)
		}
		return changed
	case []any:
		var changed []any
		for _, item := range value {
			changed = append(changed, mutate(random, item, depth+1))
			if random.IntN(20) == 0 {
				changed = append(changed, mutate(random, item, depth+1))
			}
		}
		return changed
	}
	return value
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func anything(random *rand.Rand) any {
	values := []any{
		nil, true, false, int64(0), int64(-1), int64(1) << 62, -1 << 62, 1.5, "", "0", "-1", "{{", "${A}", "://", "/", "pvc://", ":", "@", "--",
		strings.Repeat("a", 300), "\x00é🙂", []any{}, []any{nil}, []any{[]any{}}, []any{int64(1), "x"}, map[string]any{}, map[string]any{"": nil},
		map[string]any{"a/b~c": map[string]any{"name": []any{}}}, []any{map[string]any{"name": "kserve-container"}}, "99999999999999999999", "1e9999999",
	}
	return values[random.IntN(len(values))]
}

// TestHostileSets: what is no object at all, and sets that are empty.
func TestHostileSets(t *testing.T) {
	t.Parallel()
	for _, data := range []map[string]any{
		nil, {}, {"kind": int64(1)}, {"apiVersion": "v1", "kind": "Service", "metadata": "x", "spec": []any{}},
		{"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"},
		{"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": map[string]any{"annotations": map[string]any{lint.Annotation: int64(3)}}},
	} {
		set := lint.Set{
			Resources: []manifest.Resource{{Data: data}, {Data: data}}, Kustomizations: []manifest.Resource{{Data: data}},
			Patches: []manifest.Resource{{Data: data}}, Effective: []manifest.Resource{{Data: data}},
		}
		run(t, nil, set)
	}
	if found := run(t, nil); len(found) > 0 {
		t.Errorf("no set has findings: %v", found)
	}
}
