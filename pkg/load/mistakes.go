package load

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// mistakes finds in a kustomization that Kustomize cannot decode what its decoder only names: unknown fields and
// values of another type. Kustomize reads it by sigs.k8s.io/yaml (api/types, Kustomization.Unmarshal).
type mistakes struct {
	file     string
	findings []finding.Finding
}

func mistakesIn(file string, n *yaml.Node) []finding.Finding {
	m := &mistakes{file: file}
	m.look(reflect.TypeFor[types.Kustomization](), "a kustomization", n)
	return m.findings
}

// look compares a value with the type that it is decoded into. name is the field that holds it.
func (m *mistakes) look(t reflect.Type, name string, n *yaml.Node) {
	value := (&converter{dialect: kubectl}).value(n)
	if value == nil {
		return
	}
	switch {
	case t.Kind() == reflect.Pointer:
		m.look(t.Elem(), name, n)
	case takes(t) != "" && !fits(t, value):
		m.misfit(t, name, n)
	case t.Kind() == reflect.Struct:
		m.structure(t, name, n)
	case t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			m.look(t.Elem(), n.Content[i].Value, n.Content[i+1])
		}
	case t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			m.look(t.Elem(), name, item)
		}
	}
}

func (m *mistakes) structure(t reflect.Type, name string, n *yaml.Node) {
	fields := jsonFields(t)
	var known []string
	for _, f := range fields {
		known = append(known, f.name)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := slices.IndexFunc(fields, func(f jsonField) bool { return strings.EqualFold(f.name, key.Value) })
		if at >= 0 {
			m.look(fields[at].kind, key.Value, n.Content[i+1])
			continue
		}
		f := m.at(key, "%s is no field of %s%s", key.Value, name, suggest.Word(key.Value, known))
		if meant := suggest.Slip(key.Value, known); meant != "" && !has(n, meant) {
			f.Fix = fmt.Sprintf("Rename it to %s.", meant)
			f.Edit = finding.Edit{File: f.File, Line: f.Line, Column: f.Column, Key: key.Value, Old: key.Value, Text: meant}
		}
		m.findings = append(m.findings, f)
	}
}

func has(n *yaml.Node, field string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, field) {
			return true
		}
	}
	return false
}

func (m *mistakes) misfit(t reflect.Type, name string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		m.findings = append(m.findings, m.at(n, "%s is a %s and takes %s", name, nodeKind(n), takes(t)))
		return
	}
	f := m.at(n, "%s is %s and takes %s", name, n.Value, takes(t))
	if t.Kind() == reflect.String {
		f.Message += "; quote it"
		f.Fix = fmt.Sprintf("Write %q, with the quotes.", n.Value)
		f.Edit = finding.Edit{File: f.File, Line: f.Line, Column: f.Column, Key: name, Old: n.Value, Text: strconv.Quote(n.Value)}
	}
	m.findings = append(m.findings, f)
}

func (m *mistakes) at(n *yaml.Node, format string, args ...any) finding.Finding {
	return finding.Finding{
		Code: CodeKustomization, Level: finding.Error, File: m.file, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...),
	}
}

// takes says what a type is decoded from, empty where that is open.
func takes(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a mapping"
	}
	return ""
}

func fits(t reflect.Type, value any) bool {
	var is reflect.Kind
	switch value.(type) {
	case string:
		is = reflect.String
	case bool:
		is = reflect.Bool
	case int64:
		return takes(t) == "a whole number"
	case []any:
		is = reflect.Slice
	case map[string]any:
		return takes(t) == "a mapping"
	}
	return t.Kind() == is
}

// jsonField is a field by its name in JSON.
type jsonField struct {
	name string
	kind reflect.Type
}

func jsonFields(t reflect.Type) []jsonField {
	var fields []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case name == "" && f.Anonymous:
			embedded := f.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			fields = append(fields, jsonFields(embedded)...)
		case name == "":
			fields = append(fields, jsonField{f.Name, f.Type})
		default:
			fields = append(fields, jsonField{name, f.Type})
		}
	}
	return fields
}
