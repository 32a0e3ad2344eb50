package render

import (
	"reflect"

	"github.com/kservegen/kservegen/pkg/eks/network"
	"github.com/kservegen/kservegen/pkg/gatewayapi"
	"github.com/kservegen/kservegen/pkg/istio"
	"github.com/kservegen/kservegen/pkg/k8s"
	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/lws"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/observe"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// planned is an object with its place among the files of a tree. rank orders kinds; objects of one rank keep
// the order of the document's revisions.
type planned struct {
	manifest.Object
	rank int
}

// planner lists the objects of one environment in the order in which a person would create them.
type planner struct {
	kserve *kserve.Builder
	target spec.Target
	// base is the plan of the base, whose objects are taken over where the same would be built again; nil for
	// the base itself.
	base    *planner
	objects []planned
	byFile  map[string]planned
	// weights are what traffic.yaml sets in the routes, nil where these are left out.
	weights []traffic.Weight
}

func plan(b *kserve.Builder, t spec.Target, base *planner) (*planner, error) {
	p := &planner{kserve: b, target: t, base: base, byFile: map[string]planned{}}
	p.add(spec.OmitServiceAccount, k8s.ServiceAccount(t))
	p.add("", k8s.ExternalSecrets(t)...)
	p.add(spec.OmitPersistentVolumeClaim, k8s.PersistentVolumes(t)...)
	p.add(spec.OmitPersistentVolumeClaim, k8s.PersistentVolumeClaims(t)...)
	p.add(spec.OmitPersistentVolumeClaim, k8s.VolumeSnapshots(t)...)
	p.add("", k8s.Downloads(t)...)
	if err := p.revisions(); err != nil {
		return nil, err
	}
	if !t.RoutedByKServe() {
		p.once(spec.OmitService, "service", k8s.Service)
	}
	p.routes()
	p.once(spec.OmitSidecar, "sidecar", istio.Sidecar)
	if t.Security.MTLS == "strict" {
		p.once(spec.OmitPeerAuthentication, "peerauthentication", istio.PeerAuthentication)
	}
	if t.Security.JWT != nil {
		p.add("", istio.RequestAuthentication(t))
	}
	p.add(spec.OmitAuthorizationPolicy, istio.AuthorizationPolicies(t)...)
	p.add(spec.OmitNetworkPolicy, k8s.NetworkPolicy(t))
	p.add(spec.OmitNetworkPolicy, k8s.DownloadPolicies(t)...)
	if t.SpareRevision() != nil {
		spare, err := p.kserve.Spare(t)
		if err != nil {
			return nil, err
		}
		p.add("", spare)
	}
	if len(t.PodSecurityGroups()) > 0 {
		p.add("", network.SecurityGroupPolicy(t))
	}
	p.chat()
	p.add(spec.OmitPodMonitor, observe.PodMonitor(t))
	if err := p.watching(); err != nil {
		return nil, err
	}
	p.objects = union(p.objects)
	return p, nil
}

// chat adds the page on which people talk to the model, where the document asks for it.
func (p *planner) chat() {
	t := p.target
	if t.Chat == nil {
		return
	}
	p.add(spec.OmitServiceAccount, k8s.ChatServiceAccount(t))
	p.add("", k8s.ChatAccess(t)...)
	p.add("", k8s.ChatDeployment(t), k8s.ChatService(t))
	if t.RouteKind() == "HTTPRoute" {
		p.add("", gatewayapi.ChatRoute(t))
	} else {
		p.add("", istio.ChatVirtualService(t))
	}
	if t.Security.MTLS == "strict" {
		p.add(spec.OmitPeerAuthentication, istio.ChatPeerAuthentication(t))
	}
	if t.Chat.SignIn.OIDC != nil {
		p.add(spec.OmitAuthorizationPolicy, istio.ChatRequestAuthentication(t)) // the page's server checks by itself what no policy demands
	}
	p.add(spec.OmitAuthorizationPolicy, istio.ChatAuthorizationPolicy(t))
	p.add(spec.OmitNetworkPolicy, k8s.ChatPolicy(t))
	p.add(spec.OmitPodDisruptionBudget, k8s.ChatDisruptionBudget(t))
	p.add("", k8s.ChatAutoscalers(t)...)
}

// watching adds alerts and the dashboard, where the document asks for them.
func (p *planner) watching() error {
	if p.target.Monitoring.Alerts != nil {
		p.add("", observe.PrometheusRule(p.target))
	}
	if p.target.Monitoring.Dashboard == nil {
		return nil
	}
	dashboard, err := observe.DashboardConfigMap(p.target)
	if err != nil {
		return err
	}
	p.add("", dashboard)
	return nil
}

// routes adds what shares requests between the revisions, by the API that the document names.
func (p *planner) routes() {
	p.weights = Weights(p.target)
	switch t := p.target; {
	case t.RoutedByKServe(), t.OmitsRoutes():
	case t.RouteKind() == "HTTPRoute":
		p.add("", gatewayapi.HTTPRoutes(t)...)
	default:
		p.add("", istio.VirtualService(t))
	}
}

// Weights lists what traffic.yaml sets in the routes of an environment, in the order of the revisions; nil where the routes are
// left out.
func Weights(t spec.Target) []traffic.Weight {
	switch {
	case t.Canary():
		return kserve.CanaryTraffic(t)
	case t.RoutedByKServe():
		return kserve.LLMTraffic(t)
	case t.OmitsRoutes():
		return nil
	case t.RouteKind() == "HTTPRoute":
		return gatewayapi.Traffic(t)
	}
	return istio.Traffic(t)
}

// revisions adds what each revision owns.
func (p *planner) revisions() error {
	if p.target.Canary() {
		canary, err := p.kserve.Canary(p.target)
		if err != nil {
			return err
		}
		p.add("", canary)
	}
	for _, r := range p.target.Revisions {
		if p.sameAsBase(r) {
			p.takeOver("servingruntime-"+r.Name, "inferenceservice-"+r.Name, "llminferenceservice-"+r.Name, "leaderworkerset-"+r.Name, "service-"+r.Name,
				"horizontalpodautoscaler-"+r.Name)
		} else if err := p.revision(r); err != nil {
			return err
		}
		if p.target.Scaling.Type == spec.KEDA && kserve.Scales(p.target, r) {
			p.add("", k8s.ScaledObject(p.target, r)) // it follows from the gateway and from Prometheus, too
		}
		ofRevision := func(build func(spec.Target, spec.RevisionTarget) manifest.Object) func(spec.Target) manifest.Object {
			return func(t spec.Target) manifest.Object { return build(t, r) }
		}
		p.once(spec.OmitDestinationRule, "destinationrule-"+r.Name, ofRevision(istio.DestinationRule))
		p.once(spec.OmitPodDisruptionBudget, "poddisruptionbudget-"+r.Name, ofRevision(k8s.PodDisruptionBudget))
	}
	return nil
}

func (p *planner) revision(r spec.RevisionTarget) error {
	objects, err := p.serving(r)
	if err != nil {
		return err
	}
	p.add("", objects...)
	if p.target.Scaling.Type != spec.KEDA && kserve.Scales(p.target, r) {
		p.add("", k8s.HorizontalPodAutoscaler(p.target, r))
	}
	return nil
}

// serving builds what makes the pods of a revision, by the kind that the document names.
func (p *planner) serving(r spec.RevisionTarget) ([]manifest.Object, error) {
	if p.target.Groups() {
		set, err := lws.LeaderWorkerSet(p.kserve, p.target, r)
		return []manifest.Object{set, k8s.Predictor(p.target, r)}, err
	}
	builders := []func(spec.Target, spec.RevisionTarget) (manifest.Object, error){p.kserve.ServingRuntime}
	switch {
	case p.target.LLM():
		builders[0] = p.kserve.LLMInferenceService
	case !p.target.Canary():
		builders = append(builders, p.kserve.InferenceService)
	}
	var objects []manifest.Object
	for _, build := range builders {
		object, err := build(p.target, r)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// sameAsBase reports that a revision's runtime, service and autoscaler are those of the base: they follow from
// the revision without its share of the traffic, and from the model's names, scaling and kind of addresses; where KServe makes
// the routes, from those as well. A property test renders each environment alone and compares.
func (p *planner) sameAsBase(r spec.RevisionTarget) bool {
	if p.base == nil || !reflect.DeepEqual(p.base.target.Scaling, p.target.Scaling) || p.base.target.HasIPv6() != p.target.HasIPv6() ||
		p.base.target.RoutedByKServe() || p.target.RoutedByKServe() {
		return false
	}
	for _, was := range p.base.target.Revisions {
		if was.Name == r.Name {
			was.Weight, was.Testers, was.Mirror = r.Weight, r.Testers, r.Mirror
			return reflect.DeepEqual(was, r)
		}
	}
	return false
}

// takeOver adds objects of the base, those of the files that it has.
func (p *planner) takeOver(files ...string) {
	for _, file := range files {
		if object, ok := p.base.byFile[file]; ok {
			p.put(object)
		}
	}
}

// once adds an object that follows from names alone; the base's is taken over.
func (p *planner) once(name spec.Omittable, file string, build func(spec.Target) manifest.Object) {
	if p.target.Omits(name) {
		return
	}
	if p.base != nil {
		if object, ok := p.base.byFile[file]; ok {
			p.put(object)
			return
		}
	}
	p.add("", build(p.target))
}

// add appends objects of one kind unless the document leaves them out.
func (p *planner) add(name spec.Omittable, objects ...manifest.Object) {
	if name != "" && p.target.Omits(name) {
		return
	}
	for _, object := range objects {
		p.put(planned{object, rankOf(object.File)})
	}
}

func (p *planner) put(object planned) {
	p.objects = append(p.objects, object)
	p.byFile[object.File] = object
}
