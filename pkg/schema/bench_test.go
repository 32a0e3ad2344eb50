package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/schema"
)

// BenchmarkFirst is what the first object of a kind costs a process that has a catalog: decompress, decode, compile,
// validate. BenchmarkNext is an object of a kind that is compiled, BenchmarkAgain one that was judged before.
func BenchmarkFirst(b *testing.B) {
	for kind, object := range oneOfEach(b) {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				c, err := schema.New(nil)
				require.NoError(b, err)
				b.StartTimer()
				_, err = c.Validate(b.Context(), object)
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	for kind, object := range oneOfEach(b) {
		b.Run(kind, func(b *testing.B) {
			c, err := schema.New(nil)
			require.NoError(b, err)
			_, err = c.Validate(b.Context(), object)
			require.NoError(b, err)
			annotations := map[string]any{}
			fresh := withAnnotations(object, annotations)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				annotations["kservegen.dev/turn"] = string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26))
				_, _ = c.Validate(b.Context(), fresh)
			}
		})
	}
}

func BenchmarkAgain(b *testing.B) {
	for kind, object := range oneOfEach(b) {
		b.Run(kind, func(b *testing.B) {
			c, err := schema.New(nil)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Validate(b.Context(), object)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		_, _ = schema.New(nil)
	}
}

// oneOfEach is the largest object of each kind of the corpus.
func oneOfEach(b *testing.B) map[string]map[string]any {
	b.Helper()
	objects := map[string]map[string]any{}
	for _, object := range corpus(b) {
		kind := object["kind"].(string)
		if size(object) > size(objects[kind]) {
			objects[kind] = object
		}
	}
	return objects
}

func size(v any) int {
	total := 1
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			total += size(item)
		}
	case []any:
		for _, item := range v {
			total += size(item)
		}
	}
	return total
}

func withAnnotations(object map[string]any, annotations map[string]any) map[string]any {
	fresh := map[string]any{}
	for key, value := range object {
		fresh[key] = value
	}
	metadata := map[string]any{}
	for key, value := range object["metadata"].(map[string]any) {
		metadata[key] = value
	}
	metadata["annotations"] = annotations
	fresh["metadata"] = metadata
	return fresh
}
