package load

import (
	"maps"
	"reflect"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// patchObject applies a JSON6902 patch to a copy of an object and notes where the new values stand. It knows what
// render writes (tests, replacements, additions to and removals from mappings), and returns false for all else.
func patchObject(object manifest.Resource, document manifest.Document) (manifest.Resource, bool) {
	c := &converter{dialect: patchDialect}
	data := manifest.DeepCopy(object.Data)
	places := maps.Clone(object.Places)
	if places == nil {
		places = map[string]manifest.Place{}
	}
	for _, n := range document.Node.Content {
		path, node := field(n, "path"), manifest.Lookup(n, "/value")
		var value any
		if node != nil {
			value = c.value(node)
		}
		if !operateOn(data, field(n, "op"), path, value) {
			return object, false
		}
		if op := field(n, "op"); op == "add" || op == "replace" {
			note(places, path, document.File, node)
		}
	}
	if len(c.problems) > 0 {
		return object, false
	}
	object.Data, object.Places = data, places
	return object, true
}

// note says that a value and all in it stand in a patch.
func note(places map[string]manifest.Place, pointer, file string, n *yaml.Node) {
	places[pointer] = manifest.Place{File: file, Line: n.Line, Column: n.Column}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			note(places, pointer+"/"+manifest.EscapeToken(n.Content[i].Value), file, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			note(places, pointer+"/"+strconv.Itoa(i), file, item)
		}
	}
}

// operateOn does one operation. Nulls are left to Kustomize.
func operateOn(data map[string]any, op, path string, value any) bool {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || value == nil && op != "remove" || !survives(value) && op != "remove" {
		return false
	}
	parent, ok := manifest.ValueAt(data, path[:slash])
	if !ok {
		return false
	}
	key := manifest.UnescapeToken(path[slash+1:])
	switch parent := parent.(type) {
	case map[string]any:
		was, there := parent[key]
		switch {
		case op == "add":
		case !there:
			return false
		case op == "test":
			return reflect.DeepEqual(was, value)
		case op == "remove":
			delete(parent, key)
			return true
		case op != "replace":
			return false
		}
		parent[key] = value
		return true
	case []any:
		i, ok := manifest.IndexOf(parent, key)
		switch {
		case !ok:
			return false
		case op == "test":
			return reflect.DeepEqual(parent[i], value)
		case op == "replace":
			parent[i] = value
			return true
		}
	}
	return false
}
