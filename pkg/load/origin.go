package load

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// place finds for each built object the file that it was made of, and where the values stand that something
// on the way changed.
func (g *graph) place(objects []map[string]any) []manifest.Resource {
	resources := make([]manifest.Resource, len(objects))
	for i, data := range objects {
		resources[i] = manifest.Resource{Data: data}
	}
	taken := make([]bool, len(g.sources))
	from := make([]*source, len(objects))
	for least := surest; least > 0; least-- {
		for i := range resources {
			for j := range g.sources {
				if from[i] == nil && !taken[j] && g.sources[j].likeness(resources[i]) >= least {
					from[i], taken[j] = &g.sources[j], true
				}
			}
		}
	}
	for i, s := range from {
		if s == nil {
			top := g.named()
			resources[i].File = top.file
			resources[i].Places = map[string]manifest.Place{"": {File: top.file, Line: top.document.Node.Line, Column: top.document.Node.Column}}
			continue
		}
		resources[i].File, resources[i].Node = s.File, s.Node
		resources[i].Places = g.places(*s, resources[i].Data)
	}
	return resources
}

const surest = 4

// likeness says how sure it is that a built object was made of a source: by the names that its kustomizations
// give, by its own, by a name with a hash behind it, or by its kind alone.
func (s *source) likeness(built manifest.Resource) int {
	if s.Kind() != built.Kind() || s.APIVersion() != built.APIVersion() {
		return 0
	}
	name, namespace := s.Name(), s.Namespace()
	for _, k := range s.under {
		name = k.NamePrefix + name + k.NameSuffix
		if k.Namespace != "" {
			namespace = k.Namespace
		}
	}
	switch {
	case name == built.Name() && (namespace == built.Namespace() || built.Namespace() == ""):
		return surest
	case s.Name() == built.Name():
		return 3
	case strings.HasPrefix(built.Name(), name+"-"):
		return 2
	case strings.Contains(built.Name(), s.Name()):
		return 1
	}
	return 0
}

// generated adds the objects of generators; they stand in the kustomization itself.
func (g *graph) generated(k *kustomized, under []*kustomized) {
	add := func(field, kind string, index int, args types.GeneratorArgs) {
		metadata := map[string]any{"name": args.Name}
		if args.Namespace != "" {
			metadata["namespace"] = args.Namespace
		}
		g.sources = append(g.sources, source{
			Resource: manifest.Resource{
				File: k.file, Node: manifest.Lookup(k.document.Node, fmt.Sprintf("/%s/%d", field, index)),
				Data: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": metadata},
			},
			under: under, generated: true,
		})
	}
	for i, args := range k.ConfigMapGenerator {
		add("configMapGenerator", "ConfigMap", i, args.GeneratorArgs)
	}
	for i, args := range k.SecretGenerator {
		add("secretGenerator", "Secret", i, args.GeneratorArgs)
	}
}

// places tells where the values of a built object stand that do not stand in its file, or elsewhere in it.
func (g *graph) places(s source, built map[string]any) map[string]manifest.Place {
	if s.generated {
		return map[string]manifest.Place{"": s.At("")}
	}
	c := &converter{dialect: kustomize}
	tree := c.placed(s.File, s.Node)
	for _, step := range g.steps {
		for _, p := range g.patches(step) {
			if p.targets(s.Resource, manifest.Resource{Data: built}) {
				tree = p.apply(tree, built)
			}
		}
	}
	p := &placer{steps: g.steps, file: s.File, places: map[string]manifest.Place{}}
	p.walk("", built, tree, s.Node)
	return p.places
}
