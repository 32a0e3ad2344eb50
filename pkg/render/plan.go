package render

import (
	"github.com/kservegen/kservegen/pkg/istio"
	"github.com/kservegen/kservegen/pkg/k8s"
	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/observe"
	"github.com/kservegen/kservegen/pkg/spec"
)

// planned is an object with its place among the files of a tree. rank orders kinds; objects of one rank keep
// the order of the document's revisions.
type planned struct {
	manifest.Object
	rank int
}

// plan lists the objects of one environment in the order in which a person would create them.
func plan(b *kserve.Builder, t spec.Target) ([]planned, error) {
	p := &planner{target: t}
	p.add(spec.OmitServiceAccount, k8s.ServiceAccount(t))
	p.add(spec.OmitPersistentVolumeClaim, k8s.PersistentVolumeClaims(t)...)
	for _, r := range t.Revisions {
		runtime, err := b.ServingRuntime(t, r)
		if err != nil {
			return nil, err
		}
		p.add("", runtime)
	}
	for _, r := range t.Revisions {
		service, err := b.InferenceService(t, r)
		if err != nil {
			return nil, err
		}
		p.add("", service)
	}
	p.routing()
	p.security()
	for _, r := range t.Revisions {
		p.add(spec.OmitPodDisruptionBudget, k8s.PodDisruptionBudget(t, r))
	}
	for _, r := range t.Revisions {
		if kserve.Scales(t, r) {
			p.add("", k8s.HorizontalPodAutoscaler(t, r))
		}
	}
	p.add(spec.OmitPodMonitor, observe.PodMonitor(t))
	return p.objects, nil
}

type planner struct {
	target  spec.Target
	objects []planned
}

// add appends objects of one kind unless the document leaves them out.
func (p *planner) add(name spec.Omittable, objects ...manifest.Object) {
	if name != "" && p.target.Omits(name) {
		return
	}
	for _, object := range objects {
		p.objects = append(p.objects, planned{object, rankOf(object.File)})
	}
}

func (p *planner) routing() {
	t := p.target
	p.add(spec.OmitService, k8s.Service(t))
	for _, r := range t.Revisions {
		p.add(spec.OmitDestinationRule, istio.DestinationRule(t, r))
	}
	p.add(spec.OmitVirtualService, istio.VirtualService(t))
	p.add(spec.OmitSidecar, istio.Sidecar(t))
}

func (p *planner) security() {
	t := p.target
	if t.Security.MTLS == "strict" {
		p.add(spec.OmitPeerAuthentication, istio.PeerAuthentication(t))
	}
	if t.Security.JWT != nil {
		p.add("", istio.RequestAuthentication(t))
	}
	p.add(spec.OmitAuthorizationPolicy, istio.AuthorizationPolicies(t)...)
	p.add(spec.OmitNetworkPolicy, k8s.NetworkPolicy(t))
}
