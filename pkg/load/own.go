package load

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
)

const lockFile = render.LockFile

// ownTree is one of our trees: what its lock says, and its base, which is read once for all overlays.
type ownTree struct {
	dir  string
	lock render.Lock
	base []manifest.Resource
	file manifest.Resource
	// stands is set where lock and base are as render wrote them.
	stands bool
	used   bool
	// lost are the files that were told to be missing, which all overlays share.
	lost map[string]bool
}

// own builds an overlay of one of our trees directly: the base's objects, changed by JSON6902 patches, and the
// overlay's own; or what makes Flux or Argo CD pull one, which is a list of objects. It costs a fraction of Kustomize's 35 ms. Where a file is not as it was rendered, or anything
// has another form than render writes, it returns false and Kustomize decides; tests compare the two.
func (l *loader) own(root, dir string) (Set, bool) {
	folder := filepath.Base(filepath.Dir(dir))
	if l.Kustomize || !slices.Contains(render.Folders(), folder) {
		return Set{}, false
	}
	tree := l.tree(root, treeOf(dir))
	if !tree.stands {
		return Set{}, false
	}
	o := &ownOverlay{loader: l, tree: tree, root: root, dir: dir}
	if folder != "overlays" {
		return o.list()
	}
	return o.set()
}

func (l *loader) tree(root, dir string) *ownTree {
	if tree, ok := l.trees[dir]; ok {
		tree.used = true
		return tree
	}
	tree := &ownTree{dir: dir, used: true, lost: map[string]bool{}}
	l.trees[dir] = tree
	path := filepath.Join(dir, lockFile)
	if !exists(path) || kustomizationFile(dir) != "" {
		return tree
	}
	f, ok := l.bytes(root, path)
	if !ok {
		return tree
	}
	var err error
	if tree.lock, err = render.ReadLock(path, f.data); err != nil {
		return tree
	}
	o := &ownOverlay{loader: l, tree: tree, root: root, dir: filepath.Join(dir, "base")}
	k, ok := o.rendered("kustomization.yaml")
	if !ok || !isPlain(k.Data, "resources") || k.Data["kind"] != types.KustomizationKind {
		return tree
	}
	tree.file = k
	tree.base, tree.stands = o.objects(texts(k.Data["resources"]))
	return tree
}

// ownOverlay reads a directory of one of our trees.
type ownOverlay struct {
	*loader
	tree      *ownTree
	root, dir string
}

func (o *ownOverlay) set() (Set, bool) {
	overlay, ok := o.rendered("kustomization.yaml")
	if !ok || !isPlain(overlay.Data, "resources", "components") ||
		!slices.Equal(texts(overlay.Data["components"]), []string{"patches", "custom"}) {
		return Set{}, false
	}
	resources := texts(overlay.Data["resources"])
	if len(resources) == 0 || resources[0] != "../../base" {
		return Set{}, false
	}
	added, ok := o.objects(resources[1:])
	if !ok {
		return Set{}, false
	}
	custom, ok := o.untouched()
	if !ok {
		return Set{}, false
	}
	objects := slices.Concat(o.tree.base, added)
	if !distinct(objects) {
		return Set{}, false
	}
	patches, ok := o.patch(objects)
	if !ok {
		return Set{}, false
	}
	return Set{
		Name: o.dir, Kind: Kustomization, Resources: objects,
		Kustomizations: []manifest.Resource{overlay, custom, patches, o.tree.file},
	}, true
}

// list reads a kustomization that does nothing but name its objects.
func (o *ownOverlay) list() (Set, bool) {
	file, ok := o.rendered("kustomization.yaml")
	if !ok || !isPlain(file.Data, "resources") || file.Data["kind"] != types.KustomizationKind {
		return Set{}, false
	}
	objects, ok := o.objects(texts(file.Data["resources"]))
	if !ok || !distinct(objects) {
		return Set{}, false
	}
	return Set{Name: o.dir, Kind: Kustomization, Resources: objects, Kustomizations: []manifest.Resource{file}}, true
}

// document reads a file of one document.
func (o *ownOverlay) document(name string) (manifest.Document, *file, bool) {
	path := filepath.Join(o.dir, name)
	if !exists(path) {
		return manifest.Document{}, nil, false
	}
	documents, ok := o.parse(o.root, path)
	if !ok || len(documents) != 1 {
		return manifest.Document{}, nil, false
	}
	return documents[0], o.files[path], true
}

// rendered reads a file that must be as it was rendered.
func (o *ownOverlay) rendered(name string) (manifest.Resource, bool) {
	document, f, ok := o.document(name)
	if !ok {
		return manifest.Resource{}, false
	}
	path, err := filepath.Rel(o.tree.dir, document.File)
	if err != nil || !o.tree.lock.Holds(filepath.ToSlash(path), f.data) {
		return manifest.Resource{}, false
	}
	return resourceOf(document.File, document.Node), true
}

// objects reads files of one object each.
func (o *ownOverlay) objects(names []string) ([]manifest.Resource, bool) {
	list := make([]manifest.Resource, 0, len(names))
	for _, name := range names {
		if strings.Contains(name, "/") {
			return nil, false
		}
		object, ok := o.rendered(name)
		if !ok || object.Kind() == "" || object.Name() == "" || isList(object) || !survives(object.Data) {
			return nil, false
		}
		list = append(list, object)
	}
	return list, true
}

// survives says whether Kustomize hands data on as it is: it has its own ideas about nulls, and about
// annotations of its own.
func survives(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case map[string]any:
		for key, value := range v {
			if strings.Contains(key, "config.kubernetes.io/") || strings.HasPrefix(key, "config.k8s.io/") || !survives(value) {
				return false
			}
		}
	case []any:
		for _, item := range v {
			if !survives(item) {
				return false
			}
		}
	}
	return true
}

// untouched reads custom/, which must be as it was first written.
func (o *ownOverlay) untouched() (manifest.Resource, bool) {
	document, _, ok := o.document("custom/kustomization.yaml")
	if !ok {
		return manifest.Resource{}, false
	}
	custom := resourceOf(document.File, document.Node)
	list, isList := custom.Data["patches"].([]any)
	return custom, isPlain(custom.Data, "patches") && custom.Data["kind"] == types.ComponentKind && isList && len(list) == 0
}

// patch applies the overlay's patches to the objects in place.
func (o *ownOverlay) patch(objects []manifest.Resource) (manifest.Resource, bool) {
	component, ok := o.rendered("patches/kustomization.yaml")
	if !ok || !isPlain(component.Data, "patches") || component.Data["kind"] != types.ComponentKind {
		return component, false
	}
	list, _ := component.Data["patches"].([]any)
	for _, entry := range list {
		fields, _ := entry.(map[string]any)
		name, _ := fields["path"].(string)
		target, _ := fields["target"].(map[string]any)
		found := targeted(objects, target)
		if len(fields) != 2 || name == "" || strings.Contains(name, "/") || len(found) == 0 || !o.operate(objects, found, "patches/"+name) {
			return component, false
		}
	}
	return component, true
}

// operate applies a patch to the objects of some indices in place.
func (o *ownOverlay) operate(objects []manifest.Resource, indices []int, name string) bool {
	document, f, ok := o.document(name)
	if !ok || document.Node.Kind != yaml.SequenceNode {
		return false
	}
	path, err := filepath.Rel(o.tree.dir, document.File)
	if err != nil || !o.tree.lock.Holds(filepath.ToSlash(path), f.data) {
		return false
	}
	for _, i := range indices {
		patched, ok := patchObject(objects[i], document)
		if !ok {
			return false
		}
		objects[i] = patched
	}
	return true
}

// targeted returns the indices of the objects that a target names in full. Kustomize takes the parts of a target for
// regular expressions: the weights have one that names several routes.
func targeted(objects []manifest.Resource, target map[string]any) []int {
	pattern := func(key string) string { text, _ := target[key].(string); return text }
	if pattern("name") == "" || pattern("kind") == "" || pattern("version") == "" {
		return nil
	}
	if _, named := target["namespace"]; named && pattern("namespace") == "" { // what stands in none names none
		return nil
	}
	p := patch{target: &types.Selector{}}
	p.target.Group, p.target.Version, p.target.Kind = pattern("group"), pattern("version"), pattern("kind")
	p.target.Name, p.target.Namespace = pattern("name"), pattern("namespace")
	var found []int
	for i, object := range objects {
		if p.targets(object, object) {
			found = append(found, i)
		}
	}
	return found
}

// isPlain says whether a kustomization has nothing but the named fields, besides its head and the order fifo.
func isPlain(k map[string]any, fields ...string) bool {
	for key := range k {
		if !slices.Contains(fields, key) && key != "apiVersion" && key != "kind" && key != "sortOptions" {
			return false
		}
	}
	return reflect.DeepEqual(k["sortOptions"], map[string]any{"order": string(types.FIFOSortOrder)})
}

// texts returns a list of text, nil where one item is none.
func texts(v any) []string {
	items, _ := v.([]any)
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil
		}
		list = append(list, text)
	}
	return list
}

// distinct says whether no two objects have the same identity, which Kustomize refuses.
func distinct(objects []manifest.Resource) bool {
	seen := make(map[[4]string]bool, len(objects))
	for _, object := range objects {
		id := [4]string{object.APIVersion(), object.Kind(), object.Namespace(), object.Name()}
		if seen[id] {
			return false
		}
		seen[id] = true
	}
	return true
}
