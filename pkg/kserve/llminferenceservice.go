package kserve

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/constants"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"knative.dev/pkg/apis"

	"github.com/kservegen/kservegen/pkg/gatewayapi"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

const (
	// mainContainer is the name that KServe looks for in an LLMInferenceService.
	mainContainer = "main"

	llmContainer = "/spec/template/containers/0"
)

// LLMInferenceService builds the service of one revision, with the container of its runtime in the catalogue.
//
// KServe merges it over its preset kserve-config-llm-template, whose container is llm-d's image, a shell script and probes
// whose scheme follows KServe's own setting (combineBaseRefsConfig in pkg/controller/v1alpha2/llmisvc/config_merge.go).
// There is no way to be without it. So all that it says of the container is said here again, and wins.
func (b *Builder) LLMInferenceService(t spec.Target, r spec.RevisionTarget) (manifest.Object, error) {
	uri, err := apis.ParseURL(r.Model.Source)
	if err != nil {
		return manifest.Object{}, fmt.Errorf("the source of revision %s: %w", r.Name, err)
	}
	pod, comments, err := b.llmPod(t, r)
	if err != nil {
		return manifest.Object{}, err
	}
	service := &v1alpha2.LLMInferenceService{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha2.LLMInferenceServiceGVK.GroupVersion().String(), Kind: spec.ServingLLMInferenceService},
		ObjectMeta: metav1.ObjectMeta{
			Name: t.Qualified(r.Name), Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentServer, r.Name),
		},
	}
	service.Spec.Model = v1alpha2.LLMModelSpec{URI: *uri, Name: ptr.To(t.ServedName)}
	service.Spec.WorkloadSpec = v1alpha2.WorkloadSpec{
		Labels: podLabels(t, r), Annotations: podAnnotations(t, r), Template: pod,
	}
	comments.Head = fmt.Sprintf("Revision %s of %s: %s of kservegen's catalogue. It is not edited any more once it serves: change by a\nnew revision.", r.Name, t.Name, r.Runtime.Name)
	comments.At["/spec/labels"] = "KServe copies these to the pods and to the Deployment's selector, and none of metadata."
	comments.At["/spec/template"] = "KServe lays this over its preset kserve-config-llm-template, and there is no way around that: what the\npreset says of image, command, variables and probes is said here again."
	if r.TensorParallel > 0 {
		service.Spec.Parallelism = &v1alpha2.ParallelismSpec{Tensor: ptr.To(int32(r.TensorParallel))}
		comments.At["/spec/parallelism"] = "For KServe to show. The server has it from --tensor-parallel-size."
	}
	if Scales(t, r) {
		comments.Head += " No replicas: the " + scaler(t) + "'s stay as they are where KServe is told none."
	} else {
		service.Spec.Replicas = ptr.To(int32(r.MinReplicas))
	}
	explainAnnotations(comments.At, "/spec")
	object := manifest.Object{File: "llminferenceservice-" + r.Name, Typed: service, Comments: comments, Absent: []string{"/status"}}
	if t.RoutedByKServe() {
		routed(t, r, service, &object)
	}
	return object, nil
}

// llmPod is the pod of a revision, and what there is to say about it.
func (b *Builder) llmPod(t spec.Target, r spec.RevisionTarget) (*corev1.PodSpec, manifest.Comments, error) {
	built, entry, err := b.runtime(t, r)
	if err != nil {
		return nil, manifest.Comments{}, err
	}
	container := built.Spec.Containers[0]
	pod := corev1.PodSpec(podSpec(t, r, int64(GracePeriod(container, r).Seconds())))
	container.Name, container.Resources = mainContainer, resources(r, cacheGiB(built))
	at := llmComments(entry)
	at.Drop(llmContainer + "/name")
	listen(&container, t.Port())
	at.Drop(llmContainer + "/ports")
	at.At[llmContainer+"/ports"] = fmt.Sprintf("KServe's Service leads to %d whatever stands here (reconcileWorkloadService); the PodMonitor asks for\nthe name.", t.Port())
	if sleepByExec(&container) {
		at.Drop(llmContainer + "/lifecycle")
		at.At[llmContainer+"/lifecycle"] = "From SIGTERM on vLLM refuses new requests while it still listens: let proxies forget the pod first.\nBy exec, as in the preset: with the kubelet's own sleep beside it the hook would have two handlers, which\nKubernetes refuses."
	}
	explainPod(at.At, "/spec/template", r)
	explainResources(at.At, llmContainer, "What a replica takes.", container.Resources)
	if r.Model.Downloads() {
		pod.InitContainers = []corev1.Container{{Name: constants.StorageInitializerContainerName, SecurityContext: container.SecurityContext.DeepCopy()}}
		at.At["/spec/template/initContainers"] = "KServe's own, which fetches the weights; this is laid over it. As the server's: KServe gives it none here, as it\ndoes in an InferenceService, and a namespace of the restricted Pod Security Standard would refuse the pod."
	}
	if waits := await(r, container, constants.PvcSourceMountName); len(waits) > 0 {
		pod.InitContainers = waits
		explainAwait(at.At, "/spec/template", r)
		delete(at.At, "/spec/template/volumes")
	}
	pod.Containers = []corev1.Container{container}
	pod.Volumes = append(built.Spec.Volumes, awaited(r)...)
	return &pod, at, nil
}

// llmComments are those of a runtime at the places that they have in an LLMInferenceService.
func llmComments(of manifest.Comments) manifest.Comments {
	move := func(texts map[string]string) map[string]string {
		moved := map[string]string{}
		for pointer, text := range texts {
			if strings.HasPrefix(pointer, "/spec/containers/") || strings.HasPrefix(pointer, "/spec/volumes") {
				moved["/spec/template"+strings.TrimPrefix(pointer, "/spec")] = text
			}
		}
		return moved
	}
	return manifest.Comments{At: move(of.At), Line: move(of.Line)}
}

// listen moves the server's port, and says the scheme of its probes: the preset's is HTTPS where KServe is told so.
func listen(container *corev1.Container, port int) {
	container.Ports[0].ContainerPort = int32(port)
	for _, probe := range []*corev1.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
		if probe != nil && probe.HTTPGet != nil {
			probe.HTTPGet.Port = intstr.FromInt32(int32(port))
			probe.HTTPGet.Scheme = corev1.URISchemeHTTP
		}
	}
}

// sleepByExec makes a command of the kubelet's own sleep before the end, and reports whether there was one.
func sleepByExec(container *corev1.Container) bool {
	if container.Lifecycle == nil || container.Lifecycle.PreStop == nil || container.Lifecycle.PreStop.Sleep == nil {
		return false
	}
	pause := time.Duration(container.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	container.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
		Exec: &corev1.ExecAction{Command: []string{"/bin/sleep", strconv.Itoa(int(pause.Seconds()))}},
	}}
	return true
}

// routed lets KServe make the HTTPRoute. The members of a group have one rule, and KServe gives it the backends of all of
// them (rewriteRulesForGroup in pkg/controller/v1alpha2/llmisvc/router_group_routing.go). So each member's own HTTPRoute
// says the same, whichever the gateway takes.
func routed(t spec.Target, r spec.RevisionTarget, service *v1alpha2.LLMInferenceService, object *manifest.Object) {
	index := slices.IndexFunc(t.Revisions, func(other spec.RevisionTarget) bool { return other.Name == r.Name })
	route := gatewayapi.Member(t, r.Name)
	service.Spec.Router = &v1alpha2.RouterSpec{
		Gateway: &v1alpha2.GatewaySpec{Refs: []v1alpha2.GatewayObjectReference{gatewayReference(t)}},
		Route: &v1alpha2.GatewayRoutesSpec{
			Group: ptr.To(t.Name), Weight: ptr.To(int32(traffic.ConstantWeight(index))),
			HTTP: &v1alpha2.HTTPRouteSpec{Spec: &route},
		},
	}
	maps.Copy(object.Comments.At, map[string]string{
		"/spec/router/gateway":                             "KServe makes the HTTPRoute's parent of it.",
		"/spec/router/route/group":                         "Revisions of one group share the requests; KServe makes an HTTPRoute for each, all of them alike.",
		"/spec/router/route/weight":                        "Constant here; the overlay's " + TrafficFile(r.Name) + " says it.",
		"/spec/router/route/http/spec":                     "In the place of the preset's rules, which have no host and hold the paths of KServe's own.",
		"/spec/router/route/http/spec/rules/0/backendRefs": "KServe puts those of all revisions of the group here, with their weights.",
		"/spec/router/route/http/spec/rules/0/timeouts":    "None, which some implementations have to be told: any would cut a stream.",
	})
}

func gatewayReference(t spec.Target) v1alpha2.GatewayObjectReference {
	parent := gatewayapi.Parent(t)
	return v1alpha2.GatewayObjectReference{UntypedObjectReference: v1alpha2.UntypedObjectReference{
		Namespace: *parent.Namespace, Name: parent.Name,
	}}
}

// TrafficFile is the file of a revision's weight, which stands in an object of the revision's own.
func TrafficFile(revision string) string { return "traffic-" + revision + ".yaml" }

// LLMTraffic lists the weights of the LLMInferenceServices, each in an object of its own.
func LLMTraffic(t spec.Target) []traffic.Weight {
	var list []traffic.Weight
	for _, r := range t.Revisions {
		list = append(list, traffic.Weight{
			Revision: r.Name, Value: r.Weight, Service: t.Qualified(r.Name), Object: t.Qualified(r.Name),
			Path: "/spec/router/route/weight", ServicePath: "/metadata/name",
		})
	}
	return list
}
