package effective

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// store is KServe's client in memory. controller-runtime's own fake keeps managed fields and versions, which
// nothing here reads, and costs a tenth of a second for the OpenAPI of every built-in kind.
//
// The embedded interface is nil: a call that KServe does not make today panics, and becomes a Refusal that says so.
type store struct {
	client.Client
	scheme *runtime.Scheme
	// base is what all services share and nobody writes.
	base *store
	own  map[key]client.Object
	// deleted lists what was written and then deleted, and fleeting has it as it was.
	deleted  []key
	fleeting map[key]client.Object
	// assume that a Secret which is asked for and not there is there and empty; assumed lists those.
	assume  bool
	assumed []key
}

type key struct {
	kind            schema.GroupKind
	namespace, name string
}

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.namespace, other.namespace), cmp.Compare(k.name, other.name))
}

func newStore(scheme *runtime.Scheme, base *store) *store {
	return &store{scheme: scheme, base: base, own: map[key]client.Object{}, fleeting: map[key]client.Object{}}
}

func (s *store) Scheme() *runtime.Scheme { return s.scheme }

// RESTMapper takes every kind for one of a namespace: it is asked for those that an LLMInferenceService owns.
func (s *store) RESTMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for kind := range s.scheme.AllKnownTypes() {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	return mapper
}

// Status writes a status as a part of its object.
func (s *store) Status() client.SubResourceWriter { return statusWriter{store: s} }

type statusWriter struct {
	client.SubResourceWriter
	store *store
}

func (w statusWriter) Update(ctx context.Context, object client.Object, _ ...client.SubResourceUpdateOption) error {
	return w.store.Update(ctx, object)
}

func (s *store) key(object client.Object) (key, error) {
	kind, err := apiutil.GVKForObject(object, s.scheme)
	return key{kind.GroupKind(), object.GetNamespace(), object.GetName()}, err
}

// put adds or replaces an object that the input brings.
func (s *store) put(object client.Object) error {
	k, err := s.key(object)
	if err != nil {
		return err
	}
	s.own[k] = object
	return nil
}

func (s *store) find(k key) (client.Object, bool) {
	for ; s != nil; s = s.base {
		if object, ok := s.own[k]; ok {
			return object, true
		}
	}
	return nil, false
}

func notFound(k key) error {
	resource, _ := meta.UnsafeGuessKindToResource(k.kind.WithVersion(""))
	return apierrors.NewNotFound(resource.GroupResource(), k.name)
}

func (s *store) Get(_ context.Context, name client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	k, err := s.key(into)
	if err != nil {
		return err
	}
	k.namespace, k.name = name.Namespace, name.Name
	found, ok := s.find(k)
	if !ok {
		return notFound(k)
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(found.DeepCopyObject()).Elem())
	return nil
}

// List gives objects in the order of an API server: by namespace and name.
func (s *store) List(_ context.Context, into client.ObjectList, opts ...client.ListOption) error {
	var options client.ListOptions
	options.ApplyOptions(opts)
	inGroup := func(client.Object) bool { return true }
	if options.FieldSelector != nil {
		group, ok := options.FieldSelector.RequiresExactMatch(groupIndex)
		if !ok {
			return errors.New("listing by a field is not supported in memory")
		}
		inGroup = func(object client.Object) bool { return groupOf(object) == group }
	}
	kind, err := apiutil.GVKForObject(into, s.scheme)
	if err != nil {
		return err
	}
	wanted := schema.GroupKind{Group: kind.Group, Kind: strings.TrimSuffix(kind.Kind, "List")}
	found := map[key]runtime.Object{}
	for at := s; at != nil; at = at.base {
		for k, object := range at.own {
			if _, seen := found[k]; seen || k.kind != wanted || !matches(object, options) || !inGroup(object) {
				continue
			}
			found[k] = object.DeepCopyObject()
		}
	}
	keys := make([]key, 0, len(found))
	for k := range found {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, key.compare)
	items := make([]runtime.Object, 0, len(found))
	for _, k := range keys {
		items = append(items, found[k])
	}
	return meta.SetList(into, items)
}

// groupIndex is the only field that KServe lists by: the members of a group of LLMInferenceServices (setupGroupFieldIndex in
// pkg/controller/v1alpha2/llmisvc/router_group.go).
const groupIndex = ".spec.router.route.group"

func groupOf(object client.Object) string {
	if service, ok := object.(*v1alpha2.LLMInferenceService); ok && service.Spec.Router.HasGroup() {
		return service.Namespace + "/" + *service.Spec.Router.Group()
	}
	return ""
}

func matches(object client.Object, options client.ListOptions) bool {
	if options.Namespace != "" && object.GetNamespace() != options.Namespace {
		return false
	}
	return options.LabelSelector == nil || options.LabelSelector.Matches(labels.Set(object.GetLabels()))
}

func (s *store) Create(_ context.Context, object client.Object, _ ...client.CreateOption) error {
	k, err := s.key(object)
	if err != nil {
		return err
	}
	if _, exists := s.find(k); exists {
		resource, _ := meta.UnsafeGuessKindToResource(k.kind.WithVersion(""))
		return apierrors.NewAlreadyExists(resource.GroupResource(), k.name)
	}
	s.own[k] = object.DeepCopyObject().(client.Object)
	return nil
}

func (s *store) Update(_ context.Context, object client.Object, opts ...client.UpdateOption) error {
	var options client.UpdateOptions
	options.ApplyOptions(opts)
	k, err := s.key(object)
	if err != nil {
		return err
	}
	if _, exists := s.find(k); !exists {
		return notFound(k)
	}
	if len(options.DryRun) == 0 {
		s.own[k] = object.DeepCopyObject().(client.Object)
	}
	return nil
}

func (s *store) Delete(_ context.Context, object client.Object, _ ...client.DeleteOption) error {
	k, err := s.key(object)
	if err != nil {
		return err
	}
	mine, ok := s.own[k]
	if !ok {
		return fmt.Errorf("%s %s/%s is not there to be deleted", k.kind.Kind, k.namespace, k.name)
	}
	delete(s.own, k)
	s.fleeting[k] = mine
	s.deleted = append(s.deleted, k)
	return nil
}
