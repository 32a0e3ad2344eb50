// Package tree reads a kustomization for what a cluster must have to run it, and changes its weights as a person
// would, in a copy.
package tree

import (
	"fmt"
	"strings"

	kservealpha "github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	kservebeta "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	istiosecurity "istio.io/client-go/pkg/apis/security/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/render"
)

// Tree is a kustomization of one model, built.
type Tree struct {
	// Dir is the folder of the kustomization.
	Dir string
	// Objects are what kustomize builds of it.
	Objects []map[string]any
	// Services are the InferenceServices, Runtimes what they run by name, Route the VirtualService that shares
	// requests between them.
	Services []kservebeta.InferenceService
	Runtimes map[string]kservealpha.ServingRuntime
	Route    istio.VirtualService
	// Kinds are those objects' that the suite has nothing for: an issuer of tokens, storage.
	Kinds []string
	// Policies say who may call.
	Policies []*istiosecurity.AuthorizationPolicy
}

// Read builds the kustomization in a folder. It must hold one model: InferenceServices with their
// ServingRuntimes, and one VirtualService.
func Read(dir string) (*Tree, error) {
	objects, err := render.BuildObjects(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	t := &Tree{Dir: dir, Objects: objects, Runtimes: map[string]kservealpha.ServingRuntime{}}
	for _, object := range objects {
		if err := t.take(object); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	if len(t.Services) == 0 || t.Route.Name == "" {
		return nil, fmt.Errorf("%s has %d InferenceServices and the VirtualService %q: the suite needs a tree of a model with both",
			dir, len(t.Services), t.Route.Name)
	}
	return t, nil
}

// take keeps an object in its own type, if the suite asks it something.
func (t *Tree) take(object map[string]any) error {
	kind, _ := object["kind"].(string)
	convert := func(into any) error {
		return runtime.DefaultUnstructuredConverter.FromUnstructured(object, into)
	}
	switch kind {
	case "InferenceService":
		var service kservebeta.InferenceService
		err := convert(&service)
		t.Services = append(t.Services, service)
		return err
	case "ServingRuntime":
		var found kservealpha.ServingRuntime
		err := convert(&found)
		t.Runtimes[found.Name] = found
		return err
	case "VirtualService":
		if t.Route.Name != "" {
			return fmt.Errorf("there are the VirtualServices %s and another: the suite runs one model", t.Route.Name)
		}
		return convert(&t.Route)
	case "RequestAuthentication", "PersistentVolumeClaim":
		t.Kinds = append(t.Kinds, kind)
		return nil
	case "AuthorizationPolicy":
		policy := &istiosecurity.AuthorizationPolicy{}
		err := convert(policy)
		t.Policies = append(t.Policies, policy)
		return err
	}
	return nil
}

// Namespace is where the model runs.
func (t *Tree) Namespace() string { return t.Services[0].Namespace }

// Host is the first name by which clients outside reach the model.
func (t *Tree) Host() string {
	for _, host := range t.Route.Spec.Hosts {
		if !strings.HasSuffix(host, ".svc.cluster.local") {
			return host
		}
	}
	return ""
}

// Inside is the name by which callers in the mesh reach it; empty where there is none.
func (t *Tree) Inside() string {
	for _, host := range t.Route.Spec.Hosts {
		if strings.HasSuffix(host, ".svc.cluster.local") {
			return host
		}
	}
	return ""
}

// Model is the name that clients send.
func (t *Tree) Model() string {
	const flag = "--served-model-name"
	for _, service := range t.Services {
		args := t.args(service)
		for i, arg := range args {
			if name, ok := strings.CutPrefix(arg, flag+"="); ok {
				return name
			}
			if arg == flag && i+1 < len(args) {
				return args[i+1]
			}
		}
	}
	return t.Services[0].Name
}

// args are those of the server, the runtime's first, as KServe joins them.
func (t *Tree) args(service kservebeta.InferenceService) []string {
	model := service.Spec.Predictor.Model
	if model == nil {
		return nil
	}
	var args []string
	if model.Runtime != nil {
		for _, container := range t.Runtimes[*model.Runtime].Spec.Containers {
			args = append(args, container.Args...)
		}
	}
	return append(args, model.Args...)
}

// Deployment is the name of the one that KServe makes of an InferenceService in Standard mode.
func Deployment(service kservebeta.InferenceService) string { return service.Name + "-predictor" }
