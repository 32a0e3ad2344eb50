package routes

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// difference is where have lacks something of want, as a JSON pointer; empty where it has it all. What have has besides are
// defaults.
func difference(want, have any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		have, ok := have.(map[string]any)
		if !ok {
			return at
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if found := difference(want[key], have[key], at+"/"+manifest.EscapeToken(key)); found != "" {
				return found
			}
		}
		return ""
	case []any:
		have, ok := have.([]any)
		if !ok || len(have) != len(want) {
			return at
		}
		for i := range want {
			if found := difference(want[i], have[i], fmt.Sprintf("%s/%d", at, i)); found != "" {
				return found
			}
		}
		return ""
	}
	if reflect.DeepEqual(want, have) || isNumber(want) && isNumber(have) && fmt.Sprint(want) == fmt.Sprint(have) {
		return ""
	}
	return at
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, int64, float64:
		return true
	}
	return false
}
