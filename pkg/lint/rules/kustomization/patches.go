package kustomization

import (
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/manifest"
)

func mergedList() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0906", Name: "merge-replaces-list", Level: finding.Warning,
			Summary: "Lists of custom resources are patched by JSON6902.",
			Why: "Kustomize knows no schema of custom resources, so a strategic merge patch replaces a list as a whole: a patch of one variable drops all the others, " +
				"one of a route's timeout drops its destinations.",
			How:   "Write a JSON6902 patch with a test operation, or repeat the whole list on purpose and suppress this.",
			Refs:  []string{"kustomize#2825"},
			Kinds: []rule.Kind{rule.Patch},
		},
		Check: func(c *rule.Context) {
			for _, patch := range c.Objects(rule.Patch) {
				if !builtIn(patch.Resource.APIVersion()) {
					if list := firstList(patch.Value); list.Found() {
						c.Report(list, "the patch replaces the whole list of %s %s", patch.Resource.Kind(), patch.Name)
					}
				}
			}
		},
	}
}

func inlinePatches(file *rule.Object) []rule.Value {
	var texts []rule.Value
	for _, list := range []string{"patches", "patchesJson6902"} {
		for entry := range file.Field(list).Items() {
			texts = append(texts, entry.Field("patch"))
		}
	}
	return texts
}

// parse returns the documents of an inline patch, nothing of what is no YAML: kustomize says that.
func parse(text rule.Value) []any {
	if text.Text() == "" {
		return nil
	}
	documents, err := manifest.ReadMerging("patch", strings.NewReader(text.Text()), manifest.Limits{})
	if err != nil {
		return nil
	}
	var all []any
	for _, document := range documents {
		all = append(all, plain(document.Node))
	}
	return all
}

// plain is a node's value, with scalars as the text that they are written in.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		fields := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			fields[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return fields
	case yaml.SequenceNode:
		items := make([]any, len(n.Content))
		for i, item := range n.Content {
			items[i] = plain(item)
		}
		return items
	}
	return n.Value
}

func firstList(value rule.Value) rule.Value {
	for range value.Items() {
		return value
	}
	for _, field := range value.Entries() {
		if list := firstList(field); list.Found() {
			return list
		}
	}
	return rule.Value{}
}

var listIndex = regexp.MustCompile(`^(.*?/\d+)(/|$)`)

func untestedIndex() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0909", Name: "index-without-test", Level: finding.Warning,
			Summary: "A JSON6902 patch tests the list item that it changes.",
			Why: "A patch names items by their number. When somebody adds an entry before it, the patch silently changes another one: " +
				"another route's weight, another container's image.",
			How:   "Put an operation test before it, on a field of the same item that tells it apart.",
			Refs:  []string{"RFC 6902, section 4.6"},
			Kinds: []rule.Kind{rule.Kustomization},
		},
		Check: func(c *rule.Context) {
			for _, file := range c.Objects(rule.Kustomization) {
				for _, text := range inlinePatches(file) {
					for _, document := range parse(text) {
						if path := untested(document); path != "" {
							c.Report(text, "nothing tests which item %s is", path)
							break
						}
					}
				}
			}
		},
	}
}

// untested returns the first path into a list item whose outermost item no test before it has looked at.
func untested(document any) string {
	operations, _ := document.([]any)
	tested := map[string]bool{}
	for _, entry := range operations {
		operation, _ := entry.(map[string]any)
		path, _ := operation["path"].(string)
		name, _ := operation["op"].(string)
		match := listIndex.FindStringSubmatch(path)
		switch {
		case match == nil:
		case name == "test":
			tested[match[1]] = true
		case name == "add" && match[1] == path:
			// It inserts before an item, and changes none.
		case !tested[match[1]]:
			return path
		}
	}
	return ""
}
