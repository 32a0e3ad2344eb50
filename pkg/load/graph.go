package load

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// graph is a kustomization and all that it is made of.
type graph struct {
	*loader
	root string
	// steps are the kustomizations in the order in which they are applied, the named one last.
	steps   []*kustomized
	sources []source
	// broken is set where something cannot be read, so that Kustomize need not be asked.
	broken bool
	// plugged is set where a generator or transformer may fetch something.
	plugged bool
	open    map[string]bool
}

// source is an object as it stands in a file.
type source struct {
	manifest.Resource
	// under are the kustomizations that it goes through, the innermost first.
	under []*kustomized
	// generated is set for what a generator makes; it stands in no file.
	generated bool
}

// readGraph reads everything that a kustomization names.
func (l *loader) readGraph(root, dir string) *graph {
	g := &graph{loader: l, root: root, open: map[string]bool{}}
	g.visit(dir, nil)
	return g
}

func (g *graph) visit(dir string, above []*kustomized) {
	if g.open[dir] {
		g.kustomizationFinding(above[0].file, 1, "%s leads back to itself", dir)
		g.broken = true
		return
	}
	g.open[dir] = true
	defer delete(g.open, dir)
	k := g.readKustomization(g.root, dir)
	if k == nil {
		g.broken = true
		return
	}
	under := append([]*kustomized{k}, above...)
	g.remote(k)
	for i, ref := range k.Resources {
		if !isRemote(ref) {
			g.resource(k, under, i, ref)
		}
	}
	for i, ref := range k.Components {
		if !isRemote(ref) && g.stands(k, fmt.Sprintf("/components/%d", i), ref) {
			g.visit(filepath.Join(dir, ref), under)
		}
	}
	for _, ref := range slices.Concat(k.Generators, k.Transformers, k.Validators) {
		if !isRemote(ref) {
			g.plugin(dir, ref, under)
		}
	}
	g.generated(k, under)
	g.patchFiles(k)
	g.steps = append(g.steps, k)
}

// remote reports what would be fetched.
func (g *graph) remote(k *kustomized) {
	for _, ref := range k.references() {
		if !isRemote(ref.path) {
			continue
		}
		g.broken = true
		at := manifest.Resource{File: k.file, Node: k.document.Node}.At(ref.pointer)
		g.report(finding.Finding{
			Code: CodeRemote, Level: finding.Error, File: at.File, Line: at.Line, Column: at.Column,
			Message: ref.path + " would be fetched from a network", Fix: "Copy it into the tree.",
		})
	}
}

// resource reads a file of objects, or the kustomization of a directory.
func (g *graph) resource(k *kustomized, under []*kustomized, index int, ref string) {
	path := filepath.Join(k.dir, ref)
	if !filepath.IsAbs(ref) && isDirectory(path) {
		g.visit(path, under)
		return
	}
	if !g.stands(k, fmt.Sprintf("/resources/%d", index), ref) {
		return
	}
	documents, ok := g.parse(g.root, path)
	g.broken = g.broken || !ok
	for _, document := range documents {
		found, complete := g.resources(kustomize, document)
		g.broken = g.broken || !complete
		for _, one := range found {
			g.sources = append(g.sources, source{Resource: one, under: under})
		}
	}
}

// stands reports a reference to a file that is not there, or not a part of the tree, at the line of the reference.
func (g *graph) stands(k *kustomized, pointer, ref string) bool {
	if !filepath.IsAbs(ref) && exists(filepath.Join(k.dir, ref)) {
		return true
	}
	g.broken = true
	message, fix := ref+" does not exist", "Correct the path, or remove it."
	if filepath.IsAbs(ref) {
		message, fix = ref+" is an absolute path and was not read", "Write the path from the kustomization's folder."
	}
	at := manifest.Resource{File: k.file, Node: k.document.Node}.At(pointer)
	g.report(finding.Finding{
		Code: CodeKustomization, Level: finding.Error, File: at.File, Line: at.Line, Column: at.Column, Message: message, Fix: fix,
	})
	return false
}

// plugin reads the configuration of a generator or transformer, inline or a file or a kustomization of them.
func (g *graph) plugin(dir, ref string, under []*kustomized) {
	text := ref
	if path := filepath.Join(dir, ref); !strings.Contains(ref, "\n") {
		if isDirectory(path) {
			before := len(g.sources)
			g.visit(path, under)
			for _, s := range g.sources[before:] {
				g.fetches(s.File, string(g.files[s.File].data))
			}
			g.sources = g.sources[:before]
			return
		}
		f, ok := g.bytes(g.root, path)
		if !ok {
			g.broken = true
			return
		}
		text = string(f.data)
	}
	g.fetches(under[0].file, text)
}

// fetches refuses plugins with an address anywhere: they have many ways to use one.
func (g *graph) fetches(file, text string) {
	if strings.Contains(text, "://") {
		g.broken, g.plugged = true, true
		g.report(finding.Finding{
			Code: CodeRemote, Level: finding.Error, File: file, Message: "a generator or transformer holds an address", Fix: "Copy what it fetches into the tree.",
		})
	}
}

// patchFiles reads the files of patches, so that what is wrong with them is told by line.
func (g *graph) patchFiles(k *kustomized) {
	for _, p := range k.statedPatches() {
		g.patchFile(k, p.path, p.Path)
	}
}

func (g *graph) patchFile(k *kustomized, pointer, ref string) {
	if ref == "" || isRemote(ref) || !g.stands(k, pointer, ref) {
		return
	}
	_, ok := g.parse(g.root, filepath.Join(k.dir, ref))
	g.broken = g.broken || !ok
}
