package spec

import (
	"fmt"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// What makes the pods of a revision.
const (
	// ServingInferenceService is KServe's InferenceService with a ServingRuntime.
	ServingInferenceService = "InferenceService"
	// ServingLLMInferenceService is KServe's LLMInferenceService, on one node.
	ServingLLMInferenceService = "LLMInferenceService"
	// ServingLeaderWorkerSet is a LeaderWorkerSet of kubernetes-sigs/lws, without KServe.
	ServingLeaderWorkerSet = "LeaderWorkerSet"
)

// PinnedKServe is the release of KServe whose code and CRDs are built in. Its InferenceServices have a canary, and its
// routes do not know it: weights came with kserve#5912, after it. They take workers for those of a canary that is gone, too,
// until kserve#5899.
const PinnedKServe = "v0.20.0"

// nextKServe is the first minor release that is cut from the branch with kserve#5899, #5912 and #5984. Patches of 0.20 are
// cut from that release's own. It is expected, and nobody has seen it.
const nextKServe = "v0.21"

// llmPort is the port that KServe's Service leads to on the pods of an LLMInferenceService, whatever they declare
// (reconcileWorkloadService in pkg/controller/v1alpha2/llmisvc/workload.go).
const llmPort = 8000

// LLM reports whether revisions are LLMInferenceServices.
func (t Target) LLM() bool { return t.Serving == ServingLLMInferenceService }

// RoutedByKServe reports whether KServe writes the routes, and the weights stand in its own objects.
func (t Target) RoutedByKServe() bool { return t.Expose != nil && t.Expose.API == APIKServe }

// Groups reports whether revisions are LeaderWorkerSets.
func (t Target) Groups() bool { return t.Serving == ServingLeaderWorkerSet }

// Canary reports whether all revisions are one InferenceService, the first with a share as its predictor and the others
// as its canary.
func (t Target) Canary() bool { return t.RoutedByKServe() && t.Serving == ServingInferenceService }

// served is what a revision becomes: its replicas and its Service.
type served struct {
	// workload has a suffix as its name.
	workload Workload
	// service is the suffix of the Service's name, servicePort its port, and port that of the pods.
	service           string
	servicePort, port int
}

// servedBy is the one place that tells the kinds apart by their names and ports. The Service of an InferenceService in
// Standard mode and that of an LLMInferenceService are KServe's; that of a LeaderWorkerSet is our own, called as the first.
func servedBy(serving string) served {
	switch serving {
	case ServingLLMInferenceService:
		return served{Workload{"apps/v1", "Deployment", "-kserve", "availableReplicas"}, "-kserve-workload-svc", llmPort, llmPort}
	case ServingLeaderWorkerSet:
		return served{Workload{"leaderworkerset.x-k8s.io/v1", ServingLeaderWorkerSet, "", "readyReplicas"}, "-predictor", 80, ServerPort}
	}
	return served{Workload{"apps/v1", "Deployment", "-predictor", "availableReplicas"}, "-predictor", 80, ServerPort}
}

// Port of the server's container, for the API and the metrics.
func (t Target) Port() int { return servedBy(t.Serving).port }

// ServicePort is the port of the Service of a revision.
func (t Target) ServicePort() int { return servedBy(t.Serving).servicePort }

// Predictor is the name of the Service of a revision.
func (t Target) Predictor(revision string) string { return predictor(t.Serving, t.Name, revision) }

func predictor(serving, model, revision string) string {
	return model + "-" + revision + servedBy(serving).service
}

// Workload is the object that has the replicas of a revision. Answering is the field of its status that counts the replicas
// which answer, a whole group as one.
type Workload struct{ APIVersion, Kind, Name, Answering string }

// Workload of a revision is the Deployment that KServe makes, or the LeaderWorkerSet.
func (t Target) Workload(revision string) Workload {
	w := servedBy(t.Serving).workload
	w.Name = t.Qualified(revision) + w.Name
	return w
}

// Stable is the first revision with a share, which is the predictor of a Canary.
func (t Target) Stable() RevisionTarget {
	for _, r := range t.Revisions {
		if r.Weight > 0 {
			return r
		}
	}
	return t.Revisions[0]
}

// checkServing checks the kind that revisions become, and the KServe that knows it.
func (r *resolver) checkServing() {
	s := &r.spec
	r.enum("spec.serving", &s.Serving, ServingInferenceService, ServingInferenceService, ServingLLMInferenceService, ServingLeaderWorkerSet)
	if s.Platform.KServe == nil || s.Platform.KServe.Version == "" {
		return
	}
	_, release := r.kserveRelease()
	if release == nil {
		r.failf("spec.platform.kserve.version", "want a release such as %s, got %q", PinnedKServe, s.Platform.KServe.Version)
		return
	}
	if s.Serving == ServingLLMInferenceService && release.LessThan(version.MustParseSemantic(PinnedKServe)) {
		r.failf("spec.serving", "the LLMInferenceService that is written here is that of KServe %s (v1alpha2), and %s runs (spec.platform.kserve.version); use InferenceService", PinnedKServe, s.Platform.KServe.Version)
	}
}

// kserveRelease is the cluster's KServe, as written and as read: nil where it is no release, which checkServing reports.
func (r *resolver) kserveRelease() (string, *version.Version) {
	text := PinnedKServe
	if platform := r.spec.Platform.KServe; platform != nil && platform.Version != "" {
		text = platform.Version
	}
	release, err := version.ParseSemantic(text)
	if err != nil {
		return text, nil
	}
	return text, release
}

// ofPinnedMinor reports whether a release is PinnedKServe or a patch of it.
func ofPinnedMinor(release *version.Version) bool {
	pinned := version.MustParseSemantic(PinnedKServe)
	return release.Major() == pinned.Major() && release.Minor() == pinned.Minor()
}

// routesCanary reports whether a KServe shares requests between an InferenceService and its canary: nextKServe does, and so
// may what is released for trial before it.
func routesCanary(release *version.Version) bool {
	next := version.MustParseGeneric(nextKServe)
	return release == nil || release.Major() > next.Major() || release.Major() == next.Major() && release.Minor() >= next.Minor()
}

// checkKServeRoutes checks what routes of KServe's own cannot say.
func (r *resolver) checkKServeRoutes(e *Expose) {
	const weightsOnly = "KServe shares requests by weight only; leave it out, or set spec.expose.api: istio or gateway"
	for i, t := range r.spec.Traffic {
		if t.Testers != nil {
			r.failf(fmt.Sprintf("spec.traffic[%d].testers", i), weightsOnly)
		}
		if t.Mirror > 0 {
			r.failf(fmt.Sprintf("spec.traffic[%d].mirror", i), weightsOnly)
		}
	}
	if rollout := r.spec.Rollout; rollout != nil && rollout.Shadow > 0 {
		r.failf("spec.rollout.shadow", weightsOnly)
	}
	if r.spec.Sticky != nil {
		r.failf("spec.sticky", weightsOnly)
	}
	switch r.serving() {
	case ServingLLMInferenceService:
		r.checkHosts(e)
		r.checkGatewayAPI(e)
		return
	case ServingLeaderWorkerSet:
		r.failf("spec.expose.api", "kserve makes no routes to a %s, which KServe doesn't know; set istio or gateway", ServingLeaderWorkerSet)
		return
	}
	if text, release := r.kserveRelease(); !routesCanary(release) {
		r.failf("spec.expose.api", "kserve takes KServe %s, which is expected, or later, and %s runs: it makes the canary's pods, takes as many from the stable revision, and sends the canary no request (weights came with kserve#5912, on the branch of %[1]s); set spec.platform.kserve.version to such a release that runs, or set istio or gateway", nextKServe, text)
	}
	const hosts = "KServe makes the host, of the model's name, the namespace and its own domain (domainTemplate in inferenceservice-config), and no other; leave it out"
	if len(e.Hosts) > 0 {
		r.failf("spec.expose.hosts", hosts)
	}
	for path, given := range map[string]bool{"path": e.Path != "", "header": e.Header != nil} {
		if given {
			r.failf("spec.expose."+path, "KServe gives the model a host of its own, and no route selects by a path or a header; leave it out")
		}
	}
	for path, value := range map[string]string{"gatewayClass": e.GatewayClass, "tlsSecret": e.TLSSecret} {
		if value != "" {
			r.failf("spec.expose."+path, "the Gateway is that of KServe's installation (kserveIngressGateway in inferenceservice-config); leave it out")
		}
	}
}

// checkCanary checks what KServe's canary of an InferenceService cannot do with the revisions that run.
func (r *resolver) checkCanary(t Target) {
	if !t.Canary() || len(t.Revisions) == 0 {
		return
	}
	stable := t.Stable()
	r.checkStableShare(t, stable)
	for _, revision := range t.Revisions {
		r.checkFixed(t, revision)
		if revision.Name != stable.Name {
			r.checkBeside(r.pathOfShare(revision.Name), stable, revision)
		}
	}
}

// checkStableShare refuses canaries that take all replicas of the stable revision. Each takes its share, rounded up, or the
// replicas that it says, and KServe leaves one (canaryReplicaCount in predictor.go), whatever the weight.
func (r *resolver) checkStableShare(t Target, stable RevisionTarget) {
	taken := 0
	for _, revision := range t.Revisions {
		switch {
		case revision.Name == stable.Name:
		case revision.MinReplicas != stable.MinReplicas:
			taken += revision.MinReplicas
		default:
			taken += (stable.MinReplicas*revision.Weight + 99) / 100
		}
	}
	if taken >= stable.MinReplicas && stable.Weight*stable.MinReplicas > 100 {
		r.failf("spec.traffic", "the canaries take %d of the %d replicas of %s, as KServe rounds their shares up, and leave it one for %d%% of the requests; raise spec.replicas.min, or let fewer revisions run", taken, stable.MinReplicas, stable.Name, stable.Weight)
	}
}

// pathOfShare is where the document gives a revision its share, or all of them.
func (r *resolver) pathOfShare(revision string) string {
	for i, share := range r.spec.Traffic {
		if share.Revision == revision {
			return fmt.Sprintf("spec.traffic[%d]", i)
		}
	}
	return "spec.traffic"
}

// checkFixed checks what no revision of a canary may have.
func (r *resolver) checkFixed(t Target, revision RevisionTarget) {
	if revision.MultiNode() {
		r.failf("spec.accelerator.nodes", "KServe refuses a canary over several nodes (validateCanarySpecs); keep to one, or set spec.expose.api: istio or gateway")
	}
	switch {
	case t.Scaling.Type == KEDA:
		r.failf("spec.scaling.type", "KServe's canary has a fixed number of replicas, and takes as many from the stable revision: there is nothing for KEDA to scale; leave it out, or set spec.expose.api: istio or gateway")
	case t.Scaling.Type != "off" && revision.MaxReplicas > revision.MinReplicas:
		r.failf("spec.replicas.max", "KServe's canary has a fixed number of replicas, and takes as many from the stable revision; leave max out, or set spec.expose.api: istio or gateway")
	}
}

// checkBeside checks a canary against the stable revision.
func (r *resolver) checkBeside(path string, stable, revision RevisionTarget) {
	if revision.MinReplicas > stable.MinReplicas {
		r.failf(path, "revision %s has %d replicas and the stable one, %s, %d: KServe refuses a canary that is larger (validateCanarySpecs)", revision.Name, revision.MinReplicas, stable.Name, stable.MinReplicas)
	}
	if revision.Weight == 0 && revision.MinReplicas == stable.MinReplicas {
		r.failf(path+".weight", "KServe gives a canary its share of the stable revision's replicas, none of them at 0; raise the weight, leave the revision out here, or give it fewer replicas of its own (spec.revisions[].replicas)")
	}
	r.checkSameDevice(path, stable, revision)
	if revision.Model.Source == stable.Model.Source {
		r.failf(path, "revision %s has the weights of the stable one, %s (%s), and KServe refuses to promote it: a predictor's name changes with its storageUri only (validatePredictorNameChange); a canary of other flags or another vLLM takes spec.expose.api: istio or gateway", revision.Name, stable.Name, stable.Model.Source)
	}
}

// checkSameDevice: KServe merges the canary over the stable revision, key by key, and what only that one has stays: its
// devices beside others, its tolerations where there are none (buildCanaryPredictor).
func (r *resolver) checkSameDevice(path string, stable, revision RevisionTarget) {
	if revision.Accelerator.Name != stable.Accelerator.Name {
		r.failf(path, "revision %s runs on %s and the stable one, %s, on %s: KServe merges a canary over the stable revision, which would ask for both; keep one accelerator, or set spec.expose.api: istio or gateway", revision.Name, revision.Accelerator.Name, stable.Name, stable.Accelerator.Name)
	}
}

// checkLLM checks what an LLMInferenceService cannot serve.
func (r *resolver) checkLLM() {
	if r.spec.Serving != ServingLLMInferenceService {
		return
	}
	if r.spec.Runtime.Name == Simulator {
		r.failf("spec.runtime.name", "an LLMInferenceService has to have weights, which the simulator has none of, and stops its container by /bin/sleep, which the simulator's image lacks; use an InferenceService")
	}
	if uri, err := url.Parse(r.spec.Model.Source); err != nil || uri.String() != r.spec.Model.Source {
		r.failf("spec.model.source", "an LLMInferenceService has it as a URL, in which %q would become another; use letters, digits and -._~ in it, or an InferenceService", r.spec.Model.Source)
	}
	if strings.HasPrefix(r.spec.Model.Source, "gs://") {
		r.failf("spec.model.source", "an LLMInferenceService reads weights from hf://, s3://, oci:// and pvc://, not from gs:// (attachModelArtifacts); use one of them, or an InferenceService")
	}
}
