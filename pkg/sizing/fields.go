package sizing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// configLimit is far above any config.json (the largest known has some 200 kB of quantisation lists).
const configLimit = 10 << 20

// fields reads values of one JSON object by name and collects what is wrong with them.
type fields struct {
	values   map[string]any
	path     string
	problems *[]error
}

func parseFields(data []byte) (fields, error) {
	if len(data) > configLimit {
		return fields{}, fmt.Errorf("config.json has %d bytes, more than the %d that are read; is it the model's config?", len(data), configLimit)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var values map[string]any
	if err := decoder.Decode(&values); err != nil {
		return fields{}, fmt.Errorf("config.json is not a JSON object: %w", err)
	}
	if values == nil {
		return fields{}, errors.New("config.json is null, not a JSON object")
	}
	return fields{values: values, problems: new([]error)}, nil
}

func (f fields) fail(name, format string, args ...any) {
	*f.problems = append(*f.problems, fmt.Errorf("config.json: %s%s %s", f.path, name, fmt.Sprintf(format, args...)))
}

func (f fields) has(name string) bool { return f.values[name] != nil }

// object returns a nested object; missing, null and other types give false.
func (f fields) object(name string) (fields, bool) {
	values, ok := f.values[name].(map[string]any)
	return fields{values: values, path: f.path + name + ".", problems: f.problems}, ok
}

// integer returns the first of the names that is there, in 0…limit. Null counts as absent, as it does for the engine.
func (f fields) integer(limit int64, names ...string) int64 {
	for _, name := range names {
		value := f.values[name]
		if value == nil {
			continue
		}
		if list, ok := value.([]any); ok && len(list) > 0 {
			value = largest(list)
		}
		number, ok := value.(json.Number)
		if !ok {
			f.fail(name, "is %s; want a number", kindOf(value))
			return 0
		}
		n, err := number.Float64()
		switch {
		case err != nil || math.IsNaN(n) || n != math.Trunc(n):
			f.fail(name, "is %s; want a whole number", number)
		case n < 0 || n > float64(limit):
			f.fail(name, "is %s; want 0 to %d", number, limit)
		default:
			return int64(n)
		}
		return 0
	}
	return 0
}

// largest is the greatest number of a list: per-layer values (Gemma 3n, OpenELM) are planned for the worst layer.
func largest(list []any) any {
	best := list[0]
	most := math.Inf(-1)
	for _, item := range list {
		number, ok := item.(json.Number)
		if !ok {
			return item
		}
		if n, err := number.Float64(); err == nil && n > most {
			best, most = item, n
		}
	}
	return best
}

// integers returns a list of whole numbers; what is no such list gives nil.
func (f fields) integers(name string, limit int64) []int64 {
	list, _ := f.values[name].([]any)
	out := make([]int64, 0, len(list))
	for _, item := range list {
		number, ok := item.(json.Number)
		if !ok {
			return nil
		}
		n, err := number.Int64()
		if err != nil || n < 0 || n > limit {
			return nil
		}
		out = append(out, n)
	}
	return out
}

func (f fields) number(name string) float64 {
	number, ok := f.values[name].(json.Number)
	if !ok {
		return 0
	}
	n, err := number.Float64()
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}

func (f fields) text(name string) string {
	s, _ := f.values[name].(string)
	return s
}

// truth returns a boolean, or otherwise where it is absent or no boolean.
func (f fields) truth(name string, otherwise bool) bool {
	if b, ok := f.values[name].(bool); ok {
		return b
	}
	return otherwise
}

func (f fields) texts(name string) []string {
	list, _ := f.values[name].([]any)
	out := make([]string, 0, len(list))
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func kindOf(value any) string {
	switch v := value.(type) {
	case string:
		if len(v) > 40 {
			v = v[:40] + "…"
		}
		return fmt.Sprintf("the text %q", v)
	case bool:
		return fmt.Sprintf("%t", v)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return strings.TrimSpace(fmt.Sprint(value))
}
