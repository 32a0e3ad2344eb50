package tree

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// Without are the objects that the tree has and another has not, by kind and name.
func (t *Tree) Without(other *Tree) []map[string]any {
	type key struct{ kind, path any }
	has := map[key]bool{}
	for _, object := range other.Objects {
		has[key{object["kind"], path(object)}] = true
	}
	var missing []map[string]any
	for _, object := range t.Objects {
		if !has[key{object["kind"], path(object)}] {
			missing = append(missing, object)
		}
	}
	return missing
}

// Patch is a JSON or strategic merge patch of all objects of a kind, or of the one with a name.
type Patch struct{ Kind, Name, Patch string }

// Customize adds patches to the overlay's component custom/, which is the user's, and returns the tree as it then is.
// The tree is to be a Copy.
func (t *Tree) Customize(patches ...Patch) (*Tree, error) {
	path := filepath.Join(t.Dir, "custom", "kustomization.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var custom types.Kustomization
	if err := yaml.UnmarshalStrict(content, &custom); err != nil {
		return nil, err
	}
	for _, p := range patches {
		target := &types.Selector{}
		target.Kind, target.Name = p.Kind, p.Name
		custom.Patches = append(custom.Patches, types.Patch{Patch: p.Patch, Target: target})
	}
	if content, err = yaml.Marshal(custom); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return nil, err
	}
	return Read(t.Dir)
}

// EditTraffic changes the overlay's traffic.yaml, which is to become another. The tree is to be a Copy.
func (t *Tree) EditTraffic(edit func(content string) string) error {
	path := filepath.Join(t.Dir, trafficFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	edited := edit(string(content))
	if edited == string(content) {
		return fmt.Errorf("%s: the edit changes nothing", path)
	}
	return os.WriteFile(path, []byte(edited), 0o644)
}

// WeightInWords is a traffic.yaml whose first weight is a word: kustomize builds it, and the API server refuses it.
func WeightInWords(content string) string {
	at := regexp.MustCompile(`path: \S+/weight\n\s+value: \d+`).FindStringIndex(content)
	if at == nil {
		return content
	}
	number := strings.LastIndex(content[:at[1]], " ") + 1
	return content[:number] + "ninety" + content[at[1]:]
}
