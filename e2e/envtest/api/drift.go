package api

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Drift lists the fields whose stored value is not the one that was applied. Fields that only the stored
// object has don't count: a client that applies does not look at them. What is listed makes a client that
// compares, as GitOps controllers do, apply again for ever.
func Drift(applied, stored map[string]any) []string {
	return drift("", applied, stored)
}

func drift(path string, applied, stored any) []string {
	switch want := applied.(type) {
	case map[string]any:
		have, ok := stored.(map[string]any)
		if !ok {
			break
		}
		var found []string
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, there := have[key]
			if !there {
				found = append(found, fmt.Sprintf("%s.%s is gone", path, key))
				continue
			}
			found = append(found, drift(path+"."+key, want[key], value)...)
		}
		return found
	case []any:
		have, ok := stored.([]any)
		if !ok || len(have) != len(want) {
			break
		}
		var found []string
		for i := range want {
			found = append(found, drift(fmt.Sprintf("%s[%d]", path, i), want[i], have[i])...)
		}
		return found
	}
	if reflect.DeepEqual(applied, stored) {
		return nil
	}
	return []string{fmt.Sprintf("%s: applied %v, stored %v", path, applied, stored)}
}
