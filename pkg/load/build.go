package load

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
)

// building guards the schemas that Kustomize keeps in package variables (kustomize#3659).
var building sync.Mutex

// kustomization builds the kustomization of a directory.
func (l *loader) kustomization(root, dir string) job {
	return func() []Set {
		if set, ok := l.own(root, dir); ok {
			return []Set{set}
		}
		g := l.readGraph(root, dir)
		set := Set{Name: dir, Kind: Kustomization, Kustomizations: g.kustomizations(), Patches: g.strategic()}
		if g.named() != nil && g.named().Kind == componentKind {
			g.kustomizationFinding(g.named().file, g.named().document.Node.Line, "is a Component, which cannot be built by itself; name a kustomization that uses it")
			return g.unbuilt(set)
		}
		if g.multiplies() {
			return g.unbuilt(set)
		}
		if !g.broken {
			resources, err := g.build(disk{filesys.MakeFsOnDisk(), g.loader}, dir)
			if err == nil {
				g.lost(dir)
				g.idle(resources)
				set.Resources = resources
				return []Set{set}
			}
			g.blame(dir, err)
		}
		return g.buildable(set)
	}
}

// kustomizations are the files that took part, the named one first, but for those that would fetch something: that has
// been reported, and a rule would say it again.
func (g *graph) kustomizations() []manifest.Resource {
	var list []manifest.Resource
	seen := map[string]bool{}
	for _, step := range slices.Backward(g.steps) {
		if !seen[step.file] && !slices.ContainsFunc(step.references(), func(ref reference) bool { return isRemote(ref.path) }) {
			list = append(list, resourceOf(step.file, step.document.Node))
		}
		seen[step.file] = true
	}
	return list
}

// strategic lists the strategic merge patches.
func (g *graph) strategic() []manifest.Resource {
	var list []manifest.Resource
	for _, step := range g.steps {
		for _, p := range g.patches(step) {
			if p.node.Kind == yaml.MappingNode {
				list = append(list, resourceOf(p.file, p.node))
			}
		}
	}
	return list
}

// resourceOf is a file of Kustomize as data.
func resourceOf(file string, n *yaml.Node) manifest.Resource {
	c := &converter{dialect: kustomize, file: file}
	data, _ := c.value(n).(map[string]any)
	return manifest.Resource{Data: data, File: file, Node: n}
}

// named is the kustomization that was asked for, nil where it could not be read.
func (g *graph) named() *kustomized {
	if len(g.steps) == 0 {
		return nil
	}
	return g.steps[len(g.steps)-1]
}

// unbuilt is the set of the objects as they stand in their files.
func (g *graph) unbuilt(set Set) []Set {
	set.Incomplete, set.Unbuilt = true, true
	for _, s := range g.sources {
		if !s.generated {
			set.Resources = append(set.Resources, s.Resource)
		}
	}
	return []Set{set}
}

// build runs Kustomize. Its origin annotations would tell where objects come from, but they stand in the objects
// while patches are applied: one that replaces the annotations takes them away, and one that copies or tests
// them sees what no real build has. So the objects are found in the files again; tests compare with the annotations.
func (g *graph) build(fsys filesys.FileSystem, dir string) ([]manifest.Resource, error) {
	building.Lock()
	defer building.Unlock()
	built, err := runKustomize(fsys, dir)
	if g.hasSchema() {
		// A schema that a kustomization brings outlives its build.
		openapi.ResetOpenAPI()
	}
	if err != nil {
		return nil, err
	}
	objects := make([]map[string]any, 0, built.Size())
	for _, resource := range built.Resources() {
		c := &converter{dialect: kustomize, file: dir}
		data, ok := c.value(resource.YNode()).(map[string]any)
		if len(c.problems) > 0 {
			return nil, errors.New(c.problems[0].Message)
		}
		if !ok {
			return nil, fmt.Errorf("an object is no mapping")
		}
		objects = append(objects, data)
	}
	return g.place(objects), nil
}

// runKustomize turns a panic of the library into an error: it was written for input of its own user.
func runKustomize(fsys filesys.FileSystem, dir string) (built resmap.ResMap, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize's library gave up: %v", p)
		}
	}()
	return render.Build(fsys, dir)
}

func (g *graph) hasSchema() bool {
	for _, step := range g.steps {
		if len(step.OpenAPI) > 0 || len(step.Crds) > 0 {
			return true
		}
	}
	return false
}

// blame reports what Kustomize says: at the operation of a patch that does not fit, or at the reference that the
// message names, or else at the kustomization.
func (g *graph) blame(dir string, err error) {
	message := strings.TrimPrefix(oneLine(err), "building "+dir+": ")
	f := finding.Finding{Code: CodeKustomization, Level: finding.Error, Set: dir, Message: innermost(message)}
	at := manifest.Place{File: g.named().file, Line: 1}
	if fails := g.failing(); fails.path != "" && strings.Contains(message, fails.path) {
		at, f.Fix = fails.Place, "The object is not what the patch was made for. Correct one of them."
		if fails.test != "" {
			f.Message = fails.test
		}
	} else if place, ok := g.counted(f.Message); ok {
		at = place
	} else if place, ok := g.mentioned(f.Message); ok {
		at = place
	}
	f.File, f.Line, f.Column = at.File, at.Line, at.Column
	g.report(f)
}

// recursion is how Kustomize says on which way it went before it says what is wrong.
var recursion = regexp.MustCompile(`^.*recursed accumulation of path '[^']*': `)

func innermost(message string) string {
	return strings.TrimSuffix(recursion.ReplaceAllString(message, ""), `"`)
}

// mentioned finds the longest reference that a message names.
func (g *graph) mentioned(message string) (at manifest.Place, found bool) {
	length := 0
	for _, step := range g.steps {
		for _, ref := range g.references(step) {
			if strings.Contains(message, ref.reference) && len(ref.reference) > length {
				at, length = ref.Place, len(ref.reference)
			}
		}
	}
	return at, length > 0
}

// counted finds the entry of replicas for which Kustomize has found no object (ReplicaCountTransformer).
func (g *graph) counted(message string) (at manifest.Place, found bool) {
	for _, step := range g.steps {
		for i, replica := range step.Replicas {
			if strings.HasPrefix(message, "resource with name "+replica.Name+" does not match") {
				return manifest.Resource{File: step.file, Node: step.document.Node}.At(fmt.Sprintf("/replicas/%d/name", i)), true
			}
		}
	}
	return manifest.Place{}, false
}

type named struct {
	reference string
	manifest.Place
}

// references lists what a kustomization names, with the places.
func (g *graph) references(k *kustomized) []named {
	var list []named
	for _, ref := range k.references() {
		if ref.path != "" && !strings.Contains(ref.path, "\n") {
			list = append(list, named{ref.path, manifest.Resource{File: k.file, Node: k.document.Node}.At(ref.pointer)})
		}
	}
	return list
}

// oneLine keeps Kustomize's nested messages readable: it says each step of the recursion, and the innermost
// reason last.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
