// Package tree reads a kustomization for what a cluster must have to run it, and changes its weights as a person
// would, in a copy.
package tree

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	kservealpha "github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	kservebeta "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	istio "istio.io/client-go/pkg/apis/networking/v1"
	istiosecurity "istio.io/client-go/pkg/apis/security/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/render"
)

// Tree is a kustomization of one model, built.
type Tree struct {
	// Dir is the folder of the kustomization.
	Dir string
	// Objects are what kustomize builds of it.
	Objects []map[string]any
	// Services are the InferenceServices, Runtimes what they run by name, Route how requests are shared between them.
	Services []kservebeta.InferenceService
	Runtimes map[string]kservealpha.ServingRuntime
	Route    Route
	// Tokens say whose tokens are checked, Policies who may call, Networks whose packets arrive.
	Tokens   []*istiosecurity.RequestAuthentication
	Policies []*istiosecurity.AuthorizationPolicy
	Networks []networkingv1.NetworkPolicy
	// Claims are those that it brings.
	Claims []corev1.PersistentVolumeClaim
	// Autoscalers are those that scale by what Kubernetes has.
	Autoscalers []autoscaling.HorizontalPodAutoscaler
	// Scaled are those of KEDA.
	Scaled []keda.ScaledObject
	// Chat is its page; nil where it has none.
	Chat *Chat
	// Route is a view of one of these.
	virtualServices []*istio.VirtualService
	httpRoutes      []*gateway.HTTPRoute
}

// Read builds the kustomization in a folder. What is in it may be more or less than the suite can run: NotRun says so.
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
	t.Route = t.route()
	return t, nil
}

// take keeps an object in its own type, if the suite asks it something.
func (t *Tree) take(object map[string]any) error {
	if isChat(object) {
		return t.takeChat(object)
	}
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
	case virtualService:
		route := &istio.VirtualService{}
		err := convert(route)
		t.virtualServices = append(t.virtualServices, route)
		return err
	case httpRoute:
		route := &gateway.HTTPRoute{}
		err := convert(route)
		t.httpRoutes = append(t.httpRoutes, route)
		return err
	case "PersistentVolumeClaim":
		var claim corev1.PersistentVolumeClaim
		err := convert(&claim)
		t.Claims = append(t.Claims, claim)
		return err
	case "NetworkPolicy":
		var policy networkingv1.NetworkPolicy
		err := convert(&policy)
		t.Networks = append(t.Networks, policy)
		return err
	case "HorizontalPodAutoscaler":
		var scaler autoscaling.HorizontalPodAutoscaler
		err := convert(&scaler)
		t.Autoscalers = append(t.Autoscalers, scaler)
		return err
	case "ScaledObject":
		var scaled keda.ScaledObject
		err := convert(&scaled)
		t.Scaled = append(t.Scaled, scaled)
		return err
	case "RequestAuthentication":
		tokens := &istiosecurity.RequestAuthentication{}
		err := convert(tokens)
		t.Tokens = append(t.Tokens, tokens)
		return err
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

// Host is the first name by which clients outside reach the model; empty where it is behind no gateway.
func (t *Tree) Host() string {
	if len(t.Route.Gateways) == 0 {
		return ""
	}
	for _, host := range t.Route.Hosts {
		if !strings.HasSuffix(host, inCluster) {
			return host
		}
	}
	return ""
}

// Prefix is the path below which the server is at the gateway, without its last slash: a rule matches on it and
// takes it away again. Empty where the model has the host for itself.
func (t *Tree) Prefix() string {
	for _, rule := range t.Route.Rules {
		if !rule.Strips {
			continue
		}
		for _, match := range rule.Matches {
			if match.Outside && match.Prefix != "/" {
				return strings.TrimSuffix(match.Prefix, "/")
			}
		}
	}
	return ""
}

// Header is what a request at the gateway must carry beside the host, where several models share it: what the last
// rule wants, which is for everyone.
func (t *Tree) Header() map[string]string {
	if t.Host() == "" || len(t.Route.Rules) == 0 {
		return nil
	}
	header := map[string]string{}
	for _, match := range t.Route.Rules[len(t.Route.Rules)-1].Matches {
		if match.Outside {
			maps.Copy(header, match.Exact)
		}
	}
	return header
}

// Inside is the name by which callers in the mesh reach it; empty where there is none.
func (t *Tree) Inside() string {
	for _, host := range t.Route.Hosts {
		if strings.HasSuffix(host, inCluster) {
			return host
		}
	}
	return ""
}

// Model is the name that clients send.
func (t *Tree) Model() string {
	const flag = "--served-model-name"
	for _, service := range t.Services {
		args := t.Args(service)
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

// Args are those of the server, the runtime's first, as KServe joins them, with the placeholders that it fills in:
// {{.Name}} and what else an InferenceService's metadata has (ReplacePlaceholders in its
// pkg/controller/v1beta1/inferenceservice/utils). One that KServe would refuse stays as it is.
func (t *Tree) Args(service kservebeta.InferenceService) []string {
	var args []string
	for _, container := range t.containers(service) {
		for _, arg := range container.Args {
			args = append(args, fill(arg, service.ObjectMeta))
		}
	}
	return args
}

// fill puts an InferenceService's metadata into an argument.
func fill(arg string, meta metav1.ObjectMeta) string {
	parsed, err := template.New("").Parse(arg)
	if err != nil {
		return arg
	}
	var filled strings.Builder
	if err := parsed.Execute(&filled, meta); err != nil {
		return arg
	}
	return filled.String()
}

// containers are those of a revision's pods as they are written: the runtime's, what the model changes of its
// server, and the predictor's own.
func (t *Tree) containers(service kservebeta.InferenceService) []corev1.Container {
	containers := t.server(service)
	if model := service.Spec.Predictor.Model; model != nil {
		containers = append(containers, model.Container)
	}
	return append(containers, service.Spec.Predictor.Containers...)
}

// server are the containers of the runtime. What of its resources the model says itself is left out.
func (t *Tree) server(service kservebeta.InferenceService) []corev1.Container {
	model := service.Spec.Predictor.Model
	if model == nil || model.Runtime == nil {
		return nil
	}
	containers := slices.Clone(t.Runtimes[*model.Runtime].Spec.Containers)
	for i := range containers {
		if containers[i].Name != constants.InferenceServiceContainerName {
			continue
		}
		limits := maps.Clone(containers[i].Resources.Limits)
		maps.DeleteFunc(limits, func(name corev1.ResourceName, _ resource.Quantity) bool {
			_, own := model.Resources.Limits[name]
			return own
		})
		containers[i].Resources.Limits = limits
	}
	return containers
}

// Replicas is how many pods an InferenceService has without load: one where it does not say, and where it may go to zero,
// which is what KServe begins with.
func Replicas(service kservebeta.InferenceService) int {
	if least := service.Spec.Predictor.MinReplicas; least != nil {
		return max(int(*least), 1)
	}
	return 1
}

// Deployment is the name of the one that KServe makes of an InferenceService in Standard mode.
func Deployment(service kservebeta.InferenceService) string { return service.Name + "-predictor" }
