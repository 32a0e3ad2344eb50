package load

import "sigs.k8s.io/kustomize/kyaml/yaml"

// mergeKeys are the fields by which strategic merge patches tell items of lists apart (the patchMergeKey of
// Kubernetes' types), the ones that are surest first.
func mergeKeys() []string {
	return []string{"name", "containerPort", "mountPath", "port", "devicePath", "key", "ip", "topologyKey", "type", "uid"}
}

// merge lays a strategic merge patch over a placed value. What Kustomize made of it is known, so no schema need
// say whether it merged a list or replaced it.
func merge(tree, patch *placed, built any) *placed {
	switch {
	case tree != nil && patch.kind == yaml.ScalarNode && tree.equals(patch.leaf):
		return tree // apiVersion, kind and names say which object or item is meant
	case tree == nil || tree.kind != patch.kind || patch.kind == yaml.ScalarNode:
		return patch
	case patch.kind == yaml.SequenceNode:
		return mergeList(tree, patch, built)
	}
	values, _ := built.(map[string]any)
	for key, value := range patch.fields {
		if value.kind == yaml.ScalarNode && value.leaf == nil {
			delete(tree.fields, key)
			continue
		}
		tree.fields[key] = merge(tree.fields[key], value, values[key])
	}
	return tree
}

// mergeList makes a list in the order of the built one, out of the items of both.
func mergeList(tree, patch *placed, built any) *placed {
	values, ok := built.([]any)
	if !ok || patch.equals(values) {
		return patch
	}
	merged := &placed{Place: tree.Place, kind: yaml.SequenceNode}
	for _, value := range values {
		old, over := find(tree.items, value), find(patch.items, value)
		switch {
		case over == nil && old == nil:
			merged.items = append(merged.items, &placed{Place: tree.Place})
		case over == nil:
			merged.items = append(merged.items, old)
		case old == nil:
			merged.items = append(merged.items, over)
		default:
			merged.items = append(merged.items, merge(old.clone(), over, value))
		}
	}
	return merged
}

// find returns the item that equals a value or has the same merge key.
func find(items []*placed, value any) *placed {
	for _, item := range items {
		if item.equals(value) {
			return item
		}
	}
	fields, _ := value.(map[string]any)
	for _, key := range mergeKeys() {
		if _, ok := fields[key]; !ok {
			continue
		}
		for _, item := range items {
			if own, ok := item.fields[key]; ok && own.equals(fields[key]) {
				return item
			}
		}
		return nil
	}
	return nil
}
