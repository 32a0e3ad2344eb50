package effective

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUnboundedTemplatesAreFoundWhereverTheyAre(t *testing.T) {
	t.Parallel()
	loop := "{{ range 9999999999 }}x{{ end }}"
	for name, test := range map[string]struct {
		object any
		want   string // the pointer that the error begins with; empty for none
	}{
		"nothing":         {map[string]any{"a": []any{"x", int64(1), nil}}, ""},
		"a placeholder":   {map[string]any{"a": "{{.Name}}"}, ""},
		"over two texts":  {map[string]any{"a": []any{"{{", "range"}}, ""},
		"a text":          {loop, " holds"},
		"deep in lists":   {map[string]any{"a": []any{"x", map[string]any{"b/c": []any{"x", loop}}}}, "/a/1/b~1c/1 holds"},
		"over two lines":  {map[string]any{"a": "{{ .Name |\nprintf `%999999s` }}"}, "/a holds"},
		"the first field": {map[string]any{"b": loop, "a": map[string]any{"c": loop}, "d": loop}, "/a/c holds"},
	} {
		err := checkBounded(test.object)
		if test.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		assert.Regexp(t, "^"+test.want, err.Error(), name)
	}
}
