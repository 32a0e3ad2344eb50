package rule

import "github.com/kservegen/kservegen/pkg/manifest"

// Index is a set as rules ask for it, built once for all of them.
type Index struct {
	set        *Set
	all        []*Object
	kinds      map[Kind][]*Object
	names      map[identity]*Object
	effective  map[Kind][]*Object
	predictors []*Predictor
	workloads  []*Workload
	servers    []*Workload
	services   []ServiceView
}

type identity struct {
	kind            Kind
	namespace, name string
}

// NewIndex reads a set.
func NewIndex(set *Set) *Index {
	index := &Index{set: set, kinds: map[Kind][]*Object{}, names: map[identity]*Object{}, effective: map[Kind][]*Object{}}
	for i := range set.Resources {
		object := newObject(&set.Resources[i], kindOf(set.Resources[i].APIVersion(), set.Resources[i].Kind()))
		index.all = append(index.all, object)
		index.kinds[object.Kind] = append(index.kinds[object.Kind], object)
		index.names[identity{object.Kind, object.Namespace, object.Name}] = object
	}
	index.addFiles(set.Kustomizations, Kustomization)
	index.addFiles(set.Patches, Patch)
	for i := range set.Effective {
		object := newObject(&set.Effective[i], kindOf(set.Effective[i].APIVersion(), set.Effective[i].Kind()))
		index.effective[object.Kind] = append(index.effective[object.Kind], object)
	}
	index.predictors = predictors(index)
	index.workloads = workloads(index)
	index.servers = servers(index.workloads)
	index.services = services(index)
	return index
}

func (i *Index) addFiles(resources []manifest.Resource, kind Kind) {
	for at := range resources {
		i.kinds[kind] = append(i.kinds[kind], newObject(&resources[at], kind))
	}
}

func (i *Index) find(kind Kind, namespace, name string) *Object {
	return i.names[identity{kind, namespace, name}]
}
