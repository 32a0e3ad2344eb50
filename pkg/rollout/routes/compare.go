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
		if have, ok := have.(map[string]any); ok {
			return differenceOfMaps(want, have, at)
		}
	case []any:
		if have, ok := have.([]any); ok && len(have) == len(want) {
			return differenceOfLists(want, have, at)
		}
	default:
		if reflect.DeepEqual(want, have) || isNumber(want) && isNumber(have) && fmt.Sprint(want) == fmt.Sprint(have) {
			return ""
		}
	}
	return at
}

func differenceOfMaps(want, have map[string]any, at string) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if found := difference(want[key], have[key], at+"/"+manifest.EscapeToken(key)); found != "" {
			return found
		}
	}
	return ""
}

func differenceOfLists(want, have []any, at string) string {
	for i := range want {
		if found := difference(want[i], have[i], fmt.Sprintf("%s/%d", at, i)); found != "" {
			return found
		}
	}
	return ""
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, int64, float64:
		return true
	}
	return false
}
