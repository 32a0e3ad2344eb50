package load

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// resources makes objects of a document: one, those of a list, or none with a finding.
func (l *loader) resources(d dialect, document manifest.Document) (list []manifest.Resource, complete bool) {
	list, findings, complete := resourcesOf(d, document)
	l.findings = append(l.findings, findings...)
	return list, complete
}

func resourcesOf(d dialect, document manifest.Document) ([]manifest.Resource, []finding.Finding, bool) {
	at := func(n *yaml.Node, code string, level finding.Level, format string, args ...any) []finding.Finding {
		return []finding.Finding{{
			Code: code, Level: level, File: document.File, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...),
		}}
	}
	if document.Node.Kind != yaml.MappingNode {
		return nil, at(document.Node, CodeNoObject, finding.Error, "is a %s, not an object", nodeKind(document.Node)), false
	}
	c := &converter{dialect: d, file: document.File}
	data, _ := c.value(document.Node).(map[string]any)
	keys := c.keysRead(document.Node)
	if len(c.problems) > 0 {
		return nil, append(keys, syntaxFindings(c.problems, nil)...), false
	}
	one := manifest.Resource{Data: data, File: document.File, Node: document.Node}
	switch {
	case one.Kind() == "" && one.APIVersion() == "":
		return nil, at(document.Node, CodeNoObject, finding.Info, "has no apiVersion and kind and was passed over"), true
	case one.Kind() == "" || one.APIVersion() == "":
		missing := "kind"
		if one.APIVersion() == "" {
			missing = "apiVersion"
		}
		return nil, at(document.Node, CodeNoObject, finding.Error, "has no %s, or one that is not text", missing), false
	}
	if items, ok := data["items"].([]any); ok && isList(one) {
		list, findings, complete := unroll(document, items, at)
		return list, append(keys, findings...), complete
	}
	return []manifest.Resource{one}, keys, true
}

// isList follows kubectl: a kind that ends in List and has items.
func isList(r manifest.Resource) bool { return strings.HasSuffix(r.Kind(), "List") }

func unroll(document manifest.Document, items []any, at func(*yaml.Node, string, finding.Level, string, ...any) []finding.Finding) ([]manifest.Resource, []finding.Finding, bool) {
	var (
		list     []manifest.Resource
		findings []finding.Finding
	)
	nodes := manifest.Lookup(document.Node, "/items")
	for i, item := range items {
		one := manifest.Resource{File: document.File, Node: nodes.Content[i]}
		one.Data, _ = item.(map[string]any)
		if one.Kind() == "" || one.APIVersion() == "" {
			findings = append(findings, at(nodes.Content[i], CodeNoObject, finding.Error, "item %d has no apiVersion and kind", i)...)
			continue
		}
		list = append(list, one)
	}
	return list, findings, len(findings) == 0
}

func nodeKind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "list"
	case yaml.ScalarNode:
		return "single value"
	}
	return "mapping"
}

// field returns the text of a top-level field of a node.
func field(n *yaml.Node, name string) string {
	if value := manifest.Lookup(n, "/"+name); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}
