package render

import (
	"bytes"
	"fmt"
	"path"
	"reflect"

	"github.com/kservegen/kservegen/pkg/gitops"
	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// Names of the files that have a meaning of their own.
const (
	kustomizationFile = "kustomization.yaml"
	trafficFile       = "traffic.yaml"
)

// File is one file of a tree.
type File struct {
	// Path relative to the tree, with slashes.
	Path string
	Data []byte
	// Kind says who may change it.
	Kind FileKind
}

// FileKind says who may change a file.
type FileKind int

const (
	// Generated files are locked byte for byte.
	Generated FileKind = iota
	// TrafficFile is locked by its structure; its numbers change with every canary step.
	TrafficFile
	// Custom files belong to the user. They are written once.
	Custom
)

// Tree is everything that one document renders to.
type Tree struct {
	// Name of the folder.
	Name string
	// Source is where the document stands, for messages.
	Source string
	// Environments in the order of the document.
	Environments []Environment
	// Files without the lock, in the order of writing.
	Files []File
	// Lock is written last.
	Lock Lock
}

// Paths lists the files of the tree and its lock, relative to the output directory.
func (t *Tree) Paths() []string {
	paths := make([]string, 0, len(t.Files)+1)
	for _, file := range t.Files {
		paths = append(paths, path.Join(t.Name, file.Path))
	}
	return append(paths, path.Join(t.Name, LockFile))
}

// Environment is one overlay in its built form.
type Environment struct {
	Name string
	// Objects in the order of the built overlay, as JSON-shaped data.
	Objects []map[string]any
	// Traffic of the overlay, nil where its routes are left out.
	Traffic []traffic.Weight
	// Sync are the objects that make Flux or Argo CD pull the overlay, and SyncFolder where they are in the tree; empty
	// where nothing is to.
	Sync       []map[string]any
	SyncFolder string
}

// Stream returns the environment's bytes as kustomize build prints them.
func (e Environment) Stream() ([]byte, error) {
	var stream bytes.Buffer
	for i, object := range e.Objects {
		if i > 0 {
			stream.WriteString("---\n")
		}
		data, err := manifest.Marshal(object)
		if err != nil {
			return nil, err
		}
		stream.Write(data)
	}
	return stream.Bytes(), nil
}

// Release drops the built form of the environments, which is most of a tree's memory, and keeps the files.
func (t *Tree) Release() {
	for i := range t.Environments {
		t.Environments[i].Objects, t.Environments[i].Sync = nil, nil
	}
}

// Generator makes trees. It keeps what documents share; not safe for concurrent use.
type Generator struct {
	kserve    *kserve.Builder
	converter *manifest.Converter
	custom    []byte
}

// NewGenerator returns a Generator over the embedded catalogue.
func NewGenerator() *Generator {
	return &Generator{kserve: kserve.NewBuilder(), converter: manifest.NewConverter()}
}

// Tree renders one document.
func (g *Generator) Tree(m *spec.Deployment) (*Tree, error) {
	base, err := plan(g.kserve, m.Base, nil)
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", m.Name, err)
	}
	environments := make([]plannedEnvironment, 0, len(m.Environments))
	for _, target := range m.Environments {
		own, planErr := plan(g.kserve, target, base)
		if planErr != nil {
			return nil, fmt.Errorf("rendering %s for %s: %w", m.Name, target.Environment, planErr)
		}
		environments = append(environments, plannedEnvironment{
			name: target.Environment, objects: own.objects, traffic: own.weights, routes: target.RouteKind(), page: target.ChatName(),
		})
	}
	tree, err := g.assemble(m.Name, base.objects, environments)
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", m.Name, err)
	}
	for i, target := range m.Environments {
		if err := g.addSync(tree, i, target.GitOps, gitops.Objects(target)); err != nil {
			return nil, fmt.Errorf("rendering %s for %s: %w", m.Name, target.Environment, err)
		}
	}
	tree.Source = fmt.Sprintf("%s:%d", m.File, m.Line)
	tree.Lock = newLock(m.Digest(), tree.Files)
	return tree, nil
}

type plannedEnvironment struct {
	name    string
	objects []planned
	traffic []traffic.Weight
	// routes is the kind of the objects that the weights are set in, and page the name of the one that is the page's.
	routes, page string
	// asBase are the files whose objects equal the base's.
	asBase map[string]bool
}

// assemble lays out base and overlays. The base holds the objects that every environment has.
func (g *Generator) assemble(name string, base []planned, environments []plannedEnvironment) (*Tree, error) {
	if g.custom == nil {
		custom, err := customBytes()
		if err != nil {
			return nil, err
		}
		g.custom = custom
	}
	tree := &layout{Tree: &Tree{Name: name}, converter: g.converter, custom: g.custom}
	shared := inEvery(base, environments)
	for i := range environments {
		environments[i].asBase = equals(shared, environments[i].objects)
	}
	common, err := tree.convertAll(shared)
	if err != nil {
		return nil, err
	}
	if err := tree.addBase(common); err != nil {
		return nil, err
	}
	for _, environment := range environments {
		if err := tree.addOverlay(common, environment); err != nil {
			return nil, fmt.Errorf("environment %s: %w", environment.name, err)
		}
	}
	return tree.Tree, nil
}

// inEvery lists the objects that every environment has, as the base has them or, where spec leaves one out that
// all environments bring back, as the first environment does.
func inEvery(base []planned, environments []plannedEnvironment) []planned {
	lists := [][]planned{base}
	count := map[string]int{}
	for _, environment := range environments {
		lists = append(lists, environment.objects)
		for _, object := range environment.objects {
			count[object.File]++
		}
	}
	var common []planned
	for _, object := range union(lists...) {
		if count[object.File] == len(environments) {
			common = append(common, object)
		}
	}
	return common
}

// converted is an object as data.
type converted struct {
	planned
	data map[string]any
}

func (t *layout) convertAll(objects []planned) ([]converted, error) {
	list := make([]converted, 0, len(objects))
	for _, object := range objects {
		one, err := t.convert(object)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (t *layout) convert(object planned) (converted, error) {
	data, err := object.Data(t.converter)
	return converted{object, data}, err
}

// equals lists the files of an environment whose typed objects equal the base's; most do, and need not be
// converted to be compared. It must run before any is converted: encoding a protobuf message fills caches in
// it, after which reflect sees a difference.
func equals(base, objects []planned) map[string]bool {
	typed := make(map[string]any, len(objects))
	for _, object := range objects {
		typed[object.File] = object.Typed
	}
	same := make(map[string]bool, len(base))
	for _, object := range base {
		same[object.File] = reflect.DeepEqual(object.Typed, typed[object.File])
	}
	return same
}
