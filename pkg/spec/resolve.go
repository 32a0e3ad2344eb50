package spec

import (
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/vllm"
)

// DefaultEnvironment is the name of the only environment of a document that lists none.
const DefaultEnvironment = "default"

// DefaultRevision is the name of the only revision of a document that lists none.
const DefaultRevision = "v1"

// Deployment is a document that was read, resolved and found valid.
type Deployment struct {
	// File the document was read from, and Line where it starts.
	File string
	Line int
	// Name and Namespace of the model.
	Name, Namespace string
	// Base is spec without any environment's overrides.
	Base Target
	// Environments in the order of the document; at least one.
	Environments []Target
	// Document as written, with nothing resolved.
	Document ModelDeployment
	// Remarks are about what renders and works, and will not for long or may not.
	Remarks manifest.Problems
	// CannotStart are revisions that no engine can start; Load refuses them.
	CannotStart manifest.Problems

	// empties are the fields that are there and empty.
	empties []string
	places  map[string]place
	types   fieldIndex
}

// place is a position in the document.
type place struct {
	line, column int
	// flow is set for {a: b} and [a, b].
	flow bool
}

// Target is the deployment as one environment has it: merged, with defaults, ready to be built.
type Target struct {
	// Environment is the name of the overlay, empty for the base.
	Environment string
	// Name and Namespace of the model, ServedName that clients send.
	Name, Namespace, ServedName string
	// Serving is the kind that each revision becomes, of those that have constants here.
	Serving string
	// Revisions that run here, in the order of the document; at least one.
	Revisions []RevisionTarget
	Sticky    *Sticky
	Expose    *Expose
	// Chat is nil where there is no page.
	Chat     *Chat
	Security Security
	// Scaling has a Type of hpa, keda or off, or none, which is hpa where there is room.
	Scaling    Scaling
	Monitoring Monitoring
	Platform   Platform
	// GitOps is nil where the document says nothing of it; its Engine may be empty.
	GitOps *GitOps
	// Quota is nil where the document asks for none.
	Quota *Quota
	Omit  []Omittable
}

// RevisionTarget is one revision in one environment.
type RevisionTarget struct {
	// Name of the revision.
	Name string
	// Weight in percent, 0 to 100.
	Weight  int
	Testers *HeaderMatch
	// Mirror in percent, 0 to 100.
	Mirror int

	Model     Model
	Runtime   Runtime
	Resources Resources
	// MinReplicas and MaxReplicas are at least 1 and in order; with KEDA MinReplicas may be 0.
	MinReplicas, MaxReplicas int
	// Cooldown is how long nobody has asked before the last replica goes, where MinReplicas is 0.
	Cooldown time.Duration
	// ColdStart is what a replica takes from its pod to its first answer, on a node that has neither image nor weights; 0 where
	// the document doesn't have the autoscaler go by it.
	ColdStart time.Duration
	// Accelerator is the device's entry of the catalogue; Devices is their number per replica.
	Accelerator catalog.Accelerator
	Devices     int
	// Nodes that one replica spans, at least 1. Over several of them Executor runs its ranks, and Network, nil for none, is
	// the devices between them.
	Nodes    int
	Executor string
	Network  *Network
	// DeviceGroups are the groups that own the node's device files.
	DeviceGroups []int
	// SchedulerName is empty for the cluster's own.
	SchedulerName string
	// Region of the bucket that the server itself reads, empty where it reads none or the document does not say.
	Region string
	// WeightsBytes is what the weights take on disk, 0 where the catalogue does not know.
	WeightsBytes int64
	// TensorParallel is the size of the tensor parallel group; 0 leaves the flag out.
	TensorParallel int
	// PipelineParallel is the number of stages; 0 leaves the flag out.
	PipelineParallel int
	// DataParallel is how many engines of the server run in a replica, each with a queue and metrics of its own; 0 or 1
	// for one.
	DataParallel int
	// MaxModelLen in tokens, 0 where vLLM chooses.
	MaxModelLen int
	// Planned says where numbers come from that were computed.
	Planned Planned
	// ScalingTarget is set where Scaling has a default that several engines multiply.
	ScalingTarget string
	// Args are those of the document over those that the catalogue gives the model.
	Args map[string]Arg
	// Fetches is set where the server itself fetches something at its start, besides the weights.
	Fetches bool
	// Metrics are what the revision's vLLM calls what is watched; nil where nothing watches.
	Metrics vllm.Names
	// Startup is the budget from the container's start to its first answer.
	Startup sizing.Startup
}

// Omits reports whether the target leaves out an object.
func (t Target) Omits(name Omittable) bool {
	for _, omitted := range t.Omit {
		if omitted == name {
			return true
		}
	}
	return false
}

// RouteKind is the kind of the objects that share requests between the revisions.
func (t Target) RouteKind() string {
	switch {
	case t.RoutedByKServe():
		return t.Serving
	case t.Expose != nil && t.Expose.API == APIGateway:
		return "HTTPRoute"
	}
	return "VirtualService"
}

// MeshRoute is the name of the HTTPRoute for callers inside the mesh.
func (t Target) MeshRoute() string { return t.Name + "-mesh" }

// RouteNames are those of our routes, which share requests between the revisions: that of the gateway first.
func (t Target) RouteNames() []string {
	if t.RouteKind() == "HTTPRoute" && !t.Omits(OmitService) {
		return []string{t.Name, t.MeshRoute()}
	}
	return []string{t.Name}
}

// OmitsRoutes reports whether the target leaves those objects out.
func (t Target) OmitsRoutes() bool { return t.Omits(Omittable(strings.ToLower(t.RouteKind()))) }

const (
	// ServerPort is the port of an InferenceService's container, for the API and the metrics; see Target.Port.
	ServerPort = 8080
	// MetricsPort is where the sidecar serves the server's metrics and its own, in plain HTTP: it does not intercept
	// this port.
	MetricsPort = 15020
	// PodIdentityAgent is where EKS Pod Identity gives out credentials, as a CIDR.
	// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
	PodIdentityAgent = "169.254.170.23/32"
	// PodIdentityAgentIPv6 is where it does in a cluster of IPv6.
	// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
	PodIdentityAgentIPv6 = "fd00:ec2::23/128"
)

// APIServerPorts are those that API servers listen on, which is what a policy sees: 443 of EKS, GKE and AKS, 6443 of kubeadm, 8443 of
// minikube. Their addresses are nobody's pods.
func APIServerPorts() []int32 { return []int32{443, 6443, 8443} }

// ScalingTarget is what the metric of a revision's pods may be on average, over all engines of a pod.
func (t Target) ScalingTarget(r RevisionTarget) string {
	if r.ScalingTarget != "" {
		return r.ScalingTarget
	}
	return string(t.Scaling.Target)
}

// Qualified is the name of what a revision becomes: its InferenceService and ServingRuntime, LLMInferenceService, or
// LeaderWorkerSet.
func (t Target) Qualified(revision string) string { return t.Name + "-" + revision }
