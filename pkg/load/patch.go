package load

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// patch is a patch of a kustomization, one document of it.
type patch struct {
	target *types.Selector
	file   string
	node   *yaml.Node
}

// patches lists what a kustomization patches, in the order in which Kustomize applies it: strategic merge
// patches, those of patches, then patchesJson6902.
func (g *graph) patches(k *kustomized) []patch {
	if k.patched != nil {
		return k.patched
	}
	list := []patch{}
	for i, p := range k.PatchesStrategicMerge {
		list = append(list, g.patch(k, "/patchesStrategicMerge/"+itoa(i), types.Patch{Path: pathOf(p), Patch: textOf(p)})...)
	}
	for i, p := range k.Patches {
		list = append(list, g.patch(k, "/patches/"+itoa(i)+"/patch", p)...)
	}
	for i, p := range k.PatchesJson6902 {
		list = append(list, g.patch(k, "/patchesJson6902/"+itoa(i)+"/patch", p)...)
	}
	k.patched = list
	return list
}

func pathOf(p types.PatchStrategicMerge) string {
	if strings.Contains(string(p), "\n") {
		return ""
	}
	return string(p)
}

func textOf(p types.PatchStrategicMerge) string {
	if strings.Contains(string(p), "\n") {
		return string(p)
	}
	return ""
}

func (g *graph) patch(k *kustomized, pointer string, p types.Patch) []patch {
	var list []patch
	if p.Path != "" {
		path := filepath.Join(k.dir, p.Path)
		documents, _ := g.parse(g.root, path)
		for _, document := range documents {
			list = append(list, patch{p.Target, path, document.Node})
		}
		return list
	}
	documents, err := manifest.Read(k.file, strings.NewReader(p.Patch), manifest.Limits{Bytes: g.Limits.FileBytes, Nodes: g.Limits.FileNodes})
	at := manifest.Lookup(k.document.Node, pointer)
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
	return matches(p.target.Group, group) && matches(p.target.Version, version) && matches(p.target.Kind, was.Kind()) &&
		matches(p.target.Name, was.Name(), built.Name()) && matches(p.target.Namespace, was.Namespace(), built.Namespace())
}

// matches follows Kustomize: an empty pattern matches all, others the whole of one of the texts.
func matches(pattern string, texts ...string) bool {
	if pattern == "" || slices.Contains(texts, pattern) {
		return true
	}
	expression, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && slices.ContainsFunc(texts, expression.MatchString)
}

// apply does to the placed value what Kustomize did to the object.
func (p patch) apply(tree *placed, built map[string]any) *placed {
	if p.node.Kind != yaml.SequenceNode {
		return merge(tree, (&converter{dialect: kustomize}).placed(p.file, p.node), built)
	}
	p.operate(tree, false)
	return tree
}

// operate applies a JSON6902 patch, up to the first operation that does not fit. Its tests are only looked at
// where strict is set: an object that is built has passed them, before other changes perhaps.
func (p patch) operate(tree *placed, strict bool) (int, bool) {
	c := &converter{dialect: patchDialect}
	for i, node := range p.node.Content {
		op := operation{op: field(node, "op"), path: field(node, "path"), from: field(node, "from")}
		if n := manifest.Lookup(node, "/value"); n != nil {
			op.value = c.placed(p.file, n)
		}
		if strict && op.op == "test" && !op.holds(tree) || !op.apply(tree) {
			return i, false
		}
	}
	return 0, true
}
