package load

import (
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// buildable builds a kustomization without what keeps it from being built, which has been reported: references to
// files that are missing or broken, and tests of JSON6902 patches. The rest is then judged with its namespaces, names
// and patches; as it stands in its files it would be short of them.
func (g *graph) buildable(set Set) []Set {
	if g.plugged || g.named() == nil {
		return g.unbuilt(set)
	}
	rewritten, whole, err := g.rewrite()
	if err != nil {
		return g.unbuilt(set)
	}
	set.Resources, err = g.build(edited{disk{filesys.MakeFsOnDisk(), g.loader}, rewritten}, set.Name)
	if err != nil {
		return g.unbuilt(set)
	}
	set.Incomplete = !whole
	return []Set{set}
}

// edited is a disk on which some files have other bytes.
type edited struct {
	disk
	files map[string][]byte
}

// ReadFile implements filesys.FileSystem.
func (e edited) ReadFile(path string) ([]byte, error) {
	if real, err := realPath(path); err == nil {
		if data, ok := e.files[real]; ok {
			return data, nil
		}
	}
	return e.disk.ReadFile(path)
}

// rewrite returns the files of the graph that need other bytes, by their real paths. whole is set where nothing but
// tests is left out.
func (g *graph) rewrite() (files map[string][]byte, whole bool, err error) {
	files, whole = map[string][]byte{}, true
	for _, step := range g.steps {
		root := yaml.CopyYNode(step.document.Node)
		for i := 0; i+1 < len(root.Content); i += 2 {
			list := root.Content[i+1]
			if !slices.Contains(listed(), root.Content[i].Value) || list.Kind != yaml.SequenceNode {
				continue
			}
			before := len(list.Content)
			list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return g.missing(step.dir, n) })
			whole = whole && len(list.Content) == before
			list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return g.untest(step.dir, n, files) })
		}
		if err := put(files, step.file, root); err != nil {
			return nil, false, err
		}
	}
	return files, whole, nil
}

// listed are the fields of a kustomization that are lists of what can be missing.
func listed() []string {
	return []string{
		"resources", "bases", "components", "generators", "transformers", "validators", "crds", "configurations",
		"patches", "patchesStrategicMerge", "patchesJson6902", "replacements",
	}
}

// missing says whether an entry names something that cannot be read.
func (g *graph) missing(dir string, entry *yaml.Node) bool {
	ref := pathOf(entry)
	if ref == "" {
		return false
	}
	path := filepath.Join(dir, ref)
	if f, ok := g.files[path]; ok && f.bad || isRemote(ref) || filepath.IsAbs(ref) || !exists(path) {
		return true
	}
	return isDirectory(path) && kustomizationFile(path) == ""
}

// pathOf is the reference of an entry, empty for a text that stands in the kustomization itself.
func pathOf(entry *yaml.Node) string {
	if entry.Kind == yaml.ScalarNode {
		if entry.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return ""
		}
		return entry.Value
	}
	return field(entry, "path")
}

// untest takes the tests out of an entry's JSON6902 patch, in the entry or in its file, and says whether it has
// nothing else.
func (g *graph) untest(dir string, entry *yaml.Node, files map[string][]byte) bool {
	if entry.Kind != yaml.MappingNode {
		return false
	}
	if text := manifest.Lookup(entry, "/patch"); text != nil {
		var patch yaml.Node
		if yaml.Unmarshal([]byte(text.Value), &patch) != nil || len(patch.Content) != 1 || !withoutTests(patch.Content[0]) {
			return false
		}
		data, err := yaml.Marshal(patch.Content[0])
		if err == nil {
			text.Value = string(data)
		}
		return len(patch.Content[0].Content) == 0
	}
	ref := pathOf(entry)
	if ref == "" {
		return false
	}
	path := filepath.Join(dir, ref)
	documents, ok := g.parse(g.root, path)
	if !ok || len(documents) != 1 {
		return false
	}
	patch := yaml.CopyYNode(documents[0].Node)
	return withoutTests(patch) && (len(patch.Content) == 0 || put(files, path, patch) != nil)
}

// withoutTests says whether a patch had any.
func withoutTests(patch *yaml.Node) bool {
	if patch.Kind != yaml.SequenceNode {
		return false
	}
	before := len(patch.Content)
	patch.Content = slices.DeleteFunc(patch.Content, func(n *yaml.Node) bool { return field(n, "op") == "test" })
	return len(patch.Content) < before
}

func put(files map[string][]byte, path string, n *yaml.Node) error {
	real, err := realPath(path)
	if err != nil {
		return err
	}
	files[real], err = yaml.Marshal(n)
	return err
}
