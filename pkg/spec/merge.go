package spec

import "sigs.k8s.io/kustomize/kyaml/yaml"

// identities names, for each part of the document that names something in a catalogue, the field that does.
// An override that names another thing starts from that thing's own defaults: flags and a version of
// vllm-cuda mean nothing to the simulator, and a layout of eight GPUs is wrong on another GPU.
var identities = map[string]string{"model": "id", "runtime": "name", "accelerator": "type"}

// merge returns over laid on base: mappings merge, everything else (lists too) replaces, null removes.
// Neither is changed, and nodes keep the place they were read from.
func merge(base, over *yaml.Node) *yaml.Node {
	return mergeField("", base, over)
}

func mergeField(name string, base, over *yaml.Node) *yaml.Node {
	if base == nil || base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode || renames(name, base, over) {
		return over
	}
	merged := *base
	merged.Content = make([]*yaml.Node, 0, len(base.Content)+len(over.Content))
	for i := 0; i+1 < len(base.Content); i += 2 {
		key, value := base.Content[i], base.Content[i+1]
		overKey, overValue := child(over, key.Value)
		switch {
		case overValue == nil:
			merged.Content = append(merged.Content, key, value)
		case overValue.Tag == yaml.NodeTagNull:
		default:
			merged.Content = append(merged.Content, overKey, mergeField(key.Value, value, overValue))
		}
	}
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		if _, known := child(base, key.Value); known == nil && value.Tag != yaml.NodeTagNull {
			merged.Content = append(merged.Content, key, value)
		}
	}
	return &merged
}

// alternatives is the part of the document that is one of several things, each by its name.
const alternatives = "signIn"

// renames reports whether an override is about another thing than what it overrides.
func renames(name string, base, over *yaml.Node) bool {
	if name == alternatives && len(over.Content) > 0 {
		_, same := child(base, over.Content[0].Value)
		return same == nil || over.Content[1].Tag == yaml.NodeTagNull
	}
	identity, ok := identities[name]
	if !ok {
		return false
	}
	_, now := child(over, identity)
	_, was := child(base, identity)
	return now != nil && (was == nil || was.Value != now.Value)
}

// child returns the key and value nodes of a mapping's field, nil where it is absent.
func child(n *yaml.Node, key string) (*yaml.Node, *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// without returns a copy of a mapping that lacks the named fields; anything else stands for an empty one.
func without(n *yaml.Node, keys ...string) *yaml.Node {
	pruned := *n
	if n.Kind != yaml.MappingNode {
		pruned = yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap, Line: n.Line, Column: n.Column}
		return &pruned
	}
	pruned.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		drop := false
		for _, key := range keys {
			drop = drop || n.Content[i].Value == key
		}
		if !drop {
			pruned.Content = append(pruned.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &pruned
}
