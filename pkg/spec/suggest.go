package spec

import (
	"maps"
	"slices"

	"github.com/kservegen/kservegen/pkg/suggest"
)

// suggestKey names the known key nearest to an unknown one, or lists the keys where none is near.
func suggestKey[V any](word string, known map[string]V) string {
	return suggest.Word(word, slices.Sorted(maps.Keys(known)))
}
