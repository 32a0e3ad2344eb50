package catalog

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEntriesAreTheList: what is read alone is what the whole file says.
func TestEntriesAreTheList(t *testing.T) {
	t.Parallel()
	assertEntries(t, modelList, func(m Model) (string, string) { return m.Name, m.ID })
	assertEntries(t, acceleratorList, func(a Accelerator) (string, string) { return a.Name, "" })
	assertEntries(t, architectureList, func(a Architecture) (string, string) { return a.Name, a.ID })
}

func assertEntries[T any](t *testing.T, l list[T], names func(T) (name, id string)) {
	t.Helper()
	all, err := l.all()
	require.NoError(t, err)
	entries, err := l.entries()
	require.NoError(t, err)
	require.Len(t, entries, len(all))
	for i, want := range all {
		name, id := names(want)
		assert.Equal(t, [2]string{name, id}, [2]string{entries[i].name, entries[i].id})
		for _, asked := range []string{name, id, strings.ToUpper(id)} {
			if asked == "" {
				continue
			}
			got, ok, err := l.find(asked)
			require.NoError(t, err)
			assert.True(t, ok, asked)
			assert.Equal(t, want, got)
		}
	}
}

func TestAnEntryThatIsWrong(t *testing.T) {
	t.Parallel()
	l := list[Model]{entries: func() ([]entry[Model], error) {
		return cut[Model]("x.yaml", "# head\n\n- name: a # the first\n  id: x/y # its id\n  layers: 3\n- name: b\n  layer: 3\n"), nil
	}}
	for _, asked := range []string{"a", "X/Y"} {
		m, ok, err := l.find(asked)
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, Model{Name: "a", ID: "x/y", Layers: 3}, m)
	}
	_, ok, err := l.find("b")
	require.ErrorContains(t, err, "x.yaml")
	assert.False(t, ok)
	_, ok, err = l.find("")
	require.NoError(t, err)
	assert.False(t, ok)
}
