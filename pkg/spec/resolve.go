package spec

import (
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/sizing"
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
	// Revisions that run here, in the order of the document; at least one.
	Revisions []RevisionTarget
	Sticky    *Sticky
	Expose    *Expose
	Security  Security
	// Scaling has a Type of hpa or off.
	Scaling    Scaling
	Monitoring Monitoring
	Platform   Platform
	// GitOps is nil where the document says nothing of it; its Engine may be empty.
	GitOps *GitOps
	Omit   []Omittable
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
	// MinReplicas and MaxReplicas are at least 1 and in order.
	MinReplicas, MaxReplicas int
	// Accelerator is the device's entry of the catalogue; Devices is their number per replica.
	Accelerator catalog.Accelerator
	Devices     int
	// DeviceGroups are the groups that own the node's device files.
	DeviceGroups []int
	// WeightsBytes is what the weights take on disk, 0 where the catalogue does not know.
	WeightsBytes int64
	// TensorParallel is the size of the tensor parallel group; 0 leaves the flag out.
	TensorParallel int
	// MaxModelLen in tokens, 0 where vLLM chooses.
	MaxModelLen int
	// Args are those of the document over those that the catalogue gives the model.
	Args map[string]Arg
	// Fetches is set where the server itself fetches something at its start, besides the weights.
	Fetches bool
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
	if t.Expose != nil && t.Expose.API == APIGateway {
		return "HTTPRoute"
	}
	return "VirtualService"
}

// OmitsRoutes reports whether the target leaves those objects out.
func (t Target) OmitsRoutes() bool { return t.Omits(Omittable(strings.ToLower(t.RouteKind()))) }

const (
	// ServerPort is the port of the server's container, for the API and the metrics.
	ServerPort = 8080
	// MetricsPort is where the sidecar serves the server's metrics and its own, in plain HTTP: it does not intercept
	// this port.
	MetricsPort = 15020
	// PodIdentityAgent is where EKS Pod Identity gives out credentials, as a CIDR.
	// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
	PodIdentityAgent = "169.254.170.23/32"
)

// Predictor is the name of the Deployment and the Service that KServe makes of a revision's InferenceService in
// Standard mode.
func (t Target) Predictor(revision string) string { return predictor(t.Name, revision) }

func predictor(model, revision string) string { return model + "-" + revision + "-predictor" }

// Qualified is the name of the InferenceService and the ServingRuntime of a revision.
func (t Target) Qualified(revision string) string { return t.Name + "-" + revision }
