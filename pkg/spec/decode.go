package spec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// decoder fills Go values from YAML nodes and remembers where each field stands. Unlike a library decoder it
// reports every problem, each with its place, instead of stopping at the first.
type decoder struct {
	file string
	// merged is set for what overrides were merged into; a null that is left there removes nothing.
	merged   bool
	types    fieldIndex
	places   map[string]*yaml.Node
	problems manifest.Problems
}

func newDecoder(file string, types fieldIndex) *decoder {
	return &decoder{file: file, types: types, places: map[string]*yaml.Node{}}
}

// fieldIndex maps the JSON names of each struct's fields to their index. The decoders of one document share it.
type fieldIndex map[reflect.Type]map[string]int

func (d *decoder) reportf(n *yaml.Node, path, format string, args ...any) {
	d.problems = append(d.problems, problemAt(d.file, n, path, fmt.Sprintf(format, args...)))
}

func problemAt(file string, n *yaml.Node, path, message string) manifest.Problem {
	if path != "" {
		message = path + ": " + message
	}
	return manifest.Problem{File: file, Line: n.Line, Column: n.Column, Message: message}
}

func (d *decoder) decode(n *yaml.Node, path string, v reflect.Value) {
	d.places[path] = n
	if n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagNull {
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, path, v.Elem())
		return
	}
	if custom, ok := v.Addr().Interface().(nodeDecoder); ok {
		if err := custom.decodeNode(n); err != nil {
			d.reportf(n, path, "%v", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(n, path, v)
	case reflect.Slice:
		d.decodeSlice(n, path, v)
	case reflect.Map:
		d.decodeMap(n, path, v)
	default:
		d.decodeScalar(n, path, v)
	}
}

func (d *decoder) decodeStruct(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.reportf(n, path, "want a mapping, got %s", describe(n))
		return
	}
	fields := d.types.of(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		index, ok := fields[key.Value]
		if !ok {
			d.reportf(key, join(path, key.Value), "unknown field%s", suggestKey(key.Value, fields))
			continue
		}
		d.decode(n.Content[i+1], join(path, key.Value), v.Field(index))
	}
}

func (d *decoder) decodeSlice(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.reportf(n, path, "want a list, got %s", describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.decode(item, path+"["+strconv.Itoa(i)+"]", v.Index(i))
	}
}

func (d *decoder) decodeMap(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.reportf(n, path, "want a mapping, got %s", describe(n))
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Tag == yaml.NodeTagNull && value.Kind == yaml.ScalarNode {
			if d.merged {
				d.reportf(value, join(path, key.Value), "is null; leave it out, or write null where an override removes it")
			}
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(value, join(path, key.Value), element)
		d.places[join(path, key.Value)] = key
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	}
}

func (d *decoder) decodeScalar(n *yaml.Node, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if n.Kind != yaml.ScalarNode || n.Tag != yaml.NodeTagString {
			d.reportf(n, path, "want a string, got %s%s", describe(n), quoteHint(n))
			return
		}
		v.SetString(n.Value)
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || n.Tag != yaml.NodeTagInt || err != nil {
			d.reportf(n, path, "want a whole number, got %s", describe(n))
			return
		}
		v.SetInt(int64(i))
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if n.Kind != yaml.ScalarNode || n.Tag != yaml.NodeTagBool || err != nil {
			d.reportf(n, path, "want true or false, got %s", describe(n))
			return
		}
		v.SetBool(b)
	default:
		panic(fmt.Sprintf("spec: no decoder for %s at %s", v.Type(), path))
	}
}

// quoteHint helps where YAML reads an unquoted word as something else: 1.0, yes, 2026-11-01.
func quoteHint(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	return "; put it in quotes"
}

func (x fieldIndex) of(t reflect.Type) map[string]int {
	fields, ok := x[t]
	if ok {
		return fields
	}
	fields = make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = i
	}
	x[t] = fields
	return fields
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
