package manifest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// maxDepth is the nesting that the YAML library accepts when kustomize hands it the JSON of an object.
const maxDepth = 10000

// Marshal returns v as the bytes that `kustomize build` writes for it: block style, two spaces, lists level with
// their key, keys in the natural order of the library. v is JSON-shaped: map[string]any, []any, string, bool,
// nil, int64, int, float64.
//
// A value that kustomize cannot carry from file to cluster unchanged is an error: text that is not UTF-8, the
// characters U+007F to U+009F, U+FFFE and U+FFFF, a merge key `<<`, a key that is too long for YAML.
func Marshal(v any) ([]byte, error) {
	return MarshalCommented(v, Comments{})
}

// place says where a value starts: behind `key:` or behind a dash (or the colon of an explicit key), where a
// nested block continues the line.
type place int

const (
	atRoot place = iota
	afterKey
	afterDash
)

// emitter writes the structure itself and leaves every scalar that is not obviously plain to the library. Its
// methods stop at the first error, which marshal returns.
type emitter struct {
	buf  []byte
	keys []string // a stack: the sorted keys of each open mapping
	err  error
	path string // where err arose, filled in on the way out

	depth    int
	pointer  []byte // RFC 6901, maintained only where there are comments
	comments *Comments
	seen     map[string]bool
	// lineStart is where the current line starts in buf.
	lineStart int
}

func (e *emitter) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

// value writes v, which starts at the end of the current line and whose parent block stands at indent.
func (e *emitter) value(v any, indent int, at place) {
	if e.err != nil {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			e.scalar("null", at)
			return
		}
		e.block(len(v), "{}", indent, at, func(indent int) { e.mapping(v, indent, at == afterDash) })
	case []any:
		if v == nil {
			e.scalar("null", at)
			return
		}
		if at == afterKey {
			indent -= 2 // level with the key
		}
		e.block(len(v), "[]", indent, at, func(indent int) { e.sequence(v, indent, at == afterDash) })
	case string:
		e.text(v, indent, at)
	default:
		text, err := formatScalar(v)
		if err != nil {
			e.fail("%w", err)
			return
		}
		e.scalar(text, at)
	}
}

// block writes a mapping or a sequence: in place where it is empty or continues a line, else from the next line.
func (e *emitter) block(length int, empty string, indent int, at place, write func(indent int)) {
	e.depth++
	defer func() { e.depth-- }()
	if e.depth > maxDepth {
		e.fail("nests deeper than %d levels, the limit of the YAML library", maxDepth)
		return
	}
	if length == 0 {
		e.scalar(empty, at)
		return
	}
	e.refuseLineComment()
	switch at {
	case atRoot:
		write(0)
	case afterKey:
		e.newline()
		write(indent + 2)
	case afterDash:
		e.buf = append(e.buf, ' ')
		write(indent + 2)
	}
}

func (e *emitter) mapping(m map[string]any, indent int, compact bool) {
	first := len(e.keys)
	for key := range m {
		e.keys = append(e.keys, key)
	}
	slices.Sort(e.keys[first:]) // see compareKeys
	slices.SortFunc(e.keys[first:], compareKeys)
	last := len(e.keys)
	for i := first; i < last && e.err == nil; i++ {
		key := e.keys[i]
		leave := e.enter(key)
		e.above(indent)
		if i > first || !compact {
			e.indent(indent)
		}
		e.value(m[key], indent, e.key(key, indent))
		e.pointer = e.pointer[:leave]
		if e.err != nil {
			e.path = "/" + EscapeToken(key) + e.path
		}
	}
	e.keys = e.keys[:first]
}

func (e *emitter) sequence(items []any, indent int, compact bool) {
	for i, item := range items {
		if e.err != nil {
			return
		}
		leave := e.enterIndex(i)
		e.above(indent)
		if i > 0 || !compact {
			e.indent(indent)
		}
		e.buf = append(e.buf, '-')
		e.value(item, indent, afterDash)
		e.pointer = e.pointer[:leave]
		if e.err != nil {
			e.path = "/" + strconv.Itoa(i) + e.path
		}
	}
}

// scalar writes text that holds no line break, and ends the line.
func (e *emitter) scalar(text string, at place) {
	if at != atRoot {
		e.buf = append(e.buf, ' ')
	}
	e.buf = append(e.buf, text...)
	e.lineComment()
	e.newline()
}

func (e *emitter) newline() {
	e.buf = append(e.buf, '\n')
	e.lineStart = len(e.buf)
}

func (e *emitter) indent(indent int) {
	for range indent {
		e.buf = append(e.buf, ' ')
	}
}

// formatScalar formats what is neither text nor a container. Floats take the way through JSON that kustomize
// takes, which turns 1.0 into the integer 1.
func formatScalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return formatFloat(v)
	}
	return "", fmt.Errorf("a %T is no JSON value; convert it with FromTyped", v)
}

func formatFloat(f float64) (string, error) {
	const exact = 1 << 53
	if f > -exact && f < exact && f == math.Trunc(f) {
		return strconv.FormatInt(int64(f), 10), nil
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", fmt.Errorf("%v is no JSON number", f)
	}
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return strconv.FormatInt(i, 10), nil
	}
	if u, err := strconv.ParseUint(string(text), 10, 64); err == nil {
		return strconv.FormatUint(u, 10), nil
	}
	return strconv.FormatFloat(f, 'g', -1, 64), nil
}
