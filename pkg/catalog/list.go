package catalog

import (
	"fmt"
	"strings"
	"sync"
)

// list is a data file that is a list of things with a name. Most runs ask for one of them, and to read all of a long file
// takes longer than the rest of such a run: one is found by the file's text and read alone.
type list[T any] struct {
	all     func() ([]T, error)
	entries func() ([]entry[T], error)
}

// entry is the text of one thing, read when it is asked for.
type entry[T any] struct {
	name, id string
	read     func() (T, error)
}

func newList[T any](file string) list[T] {
	return list[T]{
		all: sync.OnceValues(func() ([]T, error) { return read[T](file) }),
		entries: sync.OnceValues(func() ([]entry[T], error) {
			data, err := files.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("reading the catalogue: %w", err)
			}
			return cut[T](file, string(data)), nil
		}),
	}
}

// find reads the entry of a name or, whatever the case, of an id; what is returned is shared.
func (l list[T]) find(nameOrID string) (found T, ok bool, err error) {
	entries, err := l.entries()
	if err != nil {
		return found, false, err
	}
	for _, e := range entries {
		if e.name == nameOrID || e.id != "" && strings.EqualFold(e.id, nameOrID) {
			found, err = e.read()
			return found, err == nil, err
		}
	}
	return found, false, nil
}

// cut finds the entries of a list. Each begins with its name; an id, where there is one, has a line of its own. A test holds
// this against a reading of the whole file.
func cut[T any](file, data string) []entry[T] {
	var entries []entry[T]
	const start = "- name: "
	for _, text := range strings.Split("\n"+data, "\n"+start)[1:] {
		name, rest, _ := strings.Cut(text, "\n")
		e := entry[T]{name: scalar(name)}
		if _, after, ok := strings.Cut("\n"+rest, "\n  id: "); ok {
			line, _, _ := strings.Cut(after, "\n")
			e.id = scalar(line)
		}
		e.read = sync.OnceValues(func() (T, error) {
			items, err := parse[T](file, []byte(start+text))
			if err != nil || len(items) == 0 {
				var none T
				return none, err
			}
			return items[0], nil
		})
		entries = append(entries, e)
	}
	return entries
}

// scalar is a plain value without what stands behind it.
func scalar(line string) string {
	value, _, _ := strings.Cut(line, " #")
	return strings.TrimSpace(value)
}
