package load

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
)

// lost tells which files of one of our trees are not built any more: those that its lock lists and that no
// kustomization names. A file that is named and edited is judged by what it says; one that is gone says nothing, and
// much of what a tree protects with can be missing without anything being wrong with the rest. What custom/ removes is
// a person's choice and stays unsaid.
func (g *graph) lost(dir string) {
	if filepath.Base(filepath.Dir(absolute(dir))) != "overlays" {
		return // what makes Flux or Argo CD pull an overlay has its name and uses nothing of the tree
	}
	tree := g.tree(g.root, treeOf(dir))
	if _, rendered := tree.lock.Files["overlays/"+filepath.Base(absolute(dir))+"/kustomization.yaml"]; !rendered {
		return
	}
	steps, used := map[string]*kustomized{}, map[string]bool{}
	for _, k := range g.steps {
		steps[absolute(k.dir)], used[absolute(k.file)] = k, true
		for _, ref := range k.references() {
			used[absolute(filepath.Join(k.dir, ref.path))] = true
		}
	}
	overlay := absolute(dir)
	fields := map[string]string{
		absolute(filepath.Join(tree.dir, "base")): "/resources", overlay: "/resources", filepath.Join(overlay, "patches"): "/patches",
	}
	for _, name := range slices.Sorted(maps.Keys(tree.lock.Files)) {
		path := absolute(filepath.Join(tree.dir, name))
		folder := filepath.Dir(path)
		field, ours := fields[folder]
		at := steps[folder]
		// Of a folder that is not used at all, its kustomization stands for the rest.
		if at == nil && filepath.Base(path) == "kustomization.yaml" {
			at, field = g.named(), "/"+usedAs(folder)
		}
		if ours && at != nil && !used[path] && !tree.lost[path] {
			tree.lost[path] = true
			g.reportLost(at, field, name)
		}
	}
}

// usedAs is the field in which an overlay names a folder of its tree.
func usedAs(folder string) string {
	if filepath.Base(folder) == "patches" {
		return "components"
	}
	return "resources"
}

func (g *graph) reportLost(at *kustomized, field, name string) {
	place := resourceOf(at.file, at.document.Node).At(field)
	g.report(finding.Finding{
		Code: CodeLost, Level: finding.Warning, File: place.File, Line: place.Line, Column: place.Column, Path: field,
		Message: fmt.Sprintf("%s lists %s, and no kustomization uses it", lockFile, name),
		Fix:     "Render with --force, which puts it back, or leave it out in the document (spec.omit) and render.",
	})
}

// treeOf is the directory of the tree that an overlay would be of.
func treeOf(overlay string) string { return filepath.Join(overlay, "..", "..") }

// absolute makes one path of all names of a file; where there is no working directory, names are compared as they are.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return filepath.Clean(path)
}
