package load

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// patch is a patch of a kustomization, one document of it.
type patch struct {
	target *types.Selector
	file   string
	node   *yaml.Node
}

// patches lists what a kustomization patches, a document of a patch each.
func (g *graph) patches(k *kustomized) []patch {
	if k.patched == nil {
		k.patched = []patch{}
		for _, p := range k.statedPatches() {
			k.patched = append(k.patched, g.patch(k, p)...)
		}
	}
	return k.patched
}

func (g *graph) patch(k *kustomized, p statedPatch) []patch {
	var list []patch
	if p.Path != "" {
		path := filepath.Join(k.dir, p.Path)
		if isRemote(p.Path) || !exists(path) {
			return nil // reported where it is named
		}
		documents, _ := g.parse(g.root, path)
		for _, document := range documents {
			list = append(list, patch{p.Target, path, document.Node})
		}
		return list
	}
	documents, err := manifest.ReadMerging(k.file, strings.NewReader(p.Patch.Patch), manifest.Limits{Bytes: g.Limits.FileBytes, Nodes: g.Limits.FileNodes})
	at := manifest.Lookup(k.document.Node, p.text)
	if err != nil || at == nil {
		return nil
	}
	for _, document := range documents {
		settle(document.Node, at, g.files[k.file].data)
		list = append(list, patch{p.Target, k.file, document.Node})
	}
	return list
}

// settle moves a patch that was read out of a block of text to where the block stands. A text in quotes has no
// lines of its own: then all of it stands at the quote.
func settle(n, at *yaml.Node, data []byte) {
	if at.Style&yaml.LiteralStyle == 0 {
		n.Line, n.Column = at.Line, at.Column
	} else {
		n.Line += at.Line
		n.Column += indentation(data, at.Line+1)
	}
	for _, child := range n.Content {
		settle(child, at, data)
	}
}

// indentation counts the blanks in front of a line, which counts from 1.
func indentation(data []byte, line int) int {
	n := 0
	for text := range bytes.Lines(data) {
		if n++; n == line {
			return len(text) - len(bytes.TrimLeft(text, " "))
		}
	}
	return 0
}

// targets says whether the patch is meant for an object. Label selectors are not looked at: a place is only
// taken over where the built value is the patch's.
func (p patch) targets(was, built manifest.Resource) bool {
	if p.target == nil {
		own := manifest.Resource{Data: map[string]any{"kind": field(p.node, "kind"), "apiVersion": field(p.node, "apiVersion")}}
		name := ""
		if n := manifest.Lookup(p.node, "/metadata/name"); n != nil {
			name = n.Value
		}
		return own.Kind() == was.Kind() && own.APIVersion() == was.APIVersion() && (name == was.Name() || name == built.Name())
	}
	group, version, grouped := strings.Cut(was.APIVersion(), "/")
	if !grouped {
		group, version = "", group
	}
	// The kind first: it seldom matches, and unlike most groups it has no dot, so that no expression is compiled.
	return matches(p.target.Kind, was.Kind()) && matches(p.target.Name, was.Name(), built.Name()) &&
		matches(p.target.Namespace, was.Namespace(), built.Namespace()) &&
		matches(p.target.Group, group) && matches(p.target.Version, version)
}

// matches follows Kustomize: an empty pattern matches all, others the whole of one of the texts.
func matches(pattern string, texts ...string) bool {
	if pattern == "" || slices.Contains(texts, pattern) {
		return true
	}
	if regexp.QuoteMeta(pattern) == pattern {
		return false // a plain text; every object is asked for every patch, and compiling costs most of the answer
	}
	expression, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && slices.ContainsFunc(texts, expression.MatchString)
}

// apply does to the placed value what Kustomize did to the object.
func (p patch) apply(tree *placed, built map[string]any) *placed {
	if p.node.Kind != yaml.SequenceNode {
		return merge(tree, (&converter{dialect: kustomize}).placed(p.file, p.node), built)
	}
	p.operate(tree, false, math.MaxInt)
	return tree
}

// operate applies a JSON6902 patch, up to the first operation that does not fit. Its tests are only looked at
// where strict is set: an object that is built has passed them, before other changes perhaps.
// A tree that copies make larger than limit ends it, too.
func (p patch) operate(tree *placed, strict bool, limit int) (int, bool) {
	c := &converter{dialect: patchDialect}
	for i, node := range p.node.Content {
		op := operation{op: field(node, "op"), path: field(node, "path"), from: field(node, "from")}
		if n := manifest.Lookup(node, "/value"); n != nil {
			op.value = c.placed(p.file, n)
		}
		if strict && op.op == "test" && !op.holds(tree) || !op.apply(tree) {
			return i, false
		}
		if op.op == "copy" && tree.size() > limit {
			return i, false
		}
	}
	return 0, true
}

// multiplies reports patches whose copies of copies make an object too large: twenty lines can make a million
// values, and Kustomize would make them.
func (g *graph) multiplies() bool {
	for _, s := range g.sources {
		if s.generated {
			continue
		}
		tree := (&converter{dialect: kustomize}).placed(s.File, s.Node)
		for _, step := range g.steps {
			for _, p := range g.patches(step) {
				if p.node.Kind != yaml.SequenceNode || !slices.ContainsFunc(p.node.Content, isCopy) {
					continue
				}
				i, _ := p.operate(tree, false, g.Limits.FileNodes)
				if tree.size() > g.Limits.FileNodes {
					n := p.node.Content[i]
					g.report(finding.Finding{
						Code: CodeRefused, Level: finding.Error, File: p.file, Line: n.Line, Column: n.Column,
						Message: fmt.Sprintf("with this copy %s %s has more than %d values, the limit", s.Kind(), s.Name(), g.Limits.FileNodes),
					})
					return true
				}
			}
		}
	}
	return false
}

func isCopy(n *yaml.Node) bool { return field(n, "op") == "copy" }
