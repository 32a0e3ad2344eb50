package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/rollout/live"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Canary is what is moved.
type Canary struct {
	// Target is the environment of the document.
	Target spec.Target
	// From gives its share away, To takes it over.
	From, To string
	// Document is the digest of the document.
	Document string
	// Routes are the objects that share the requests as they were rendered or built, whatever their weights: one VirtualService,
	// or one or two HTTPRoutes of which the first is that of the gateway.
	Routes []map[string]any
}

// Options are how it is moved.
type Options struct {
	// Now is the time of day.
	Now func() time.Time
	// Held makes sure, before each write, that no other runner is at work; nil where nobody else can be.
	Held func(ctx context.Context) error
	// Unchanged says, before each look, why the document is not the one that was rendered any more; nil where it cannot change.
	Unchanged func() error
	// Again passes over the record of earlier runs, until the first move.
	Again bool
	// ReadOnly leaves an interrupted move as it is.
	ReadOnly bool
	// DespiteGitOps moves weights that Flux or Argo CD would take back unless they are told to leave them alone.
	DespiteGitOps bool
}

// Place moves the weights of one canary in a cluster. It is for one runner.
type Place struct {
	canary  Canary
	options Options
	client  dynamic.Interface
	live    *live.Cluster
	// routes are those of the last Read, in the order of the canary's.
	routes []*route
	// revisions are what the cluster had of the two at the last Read.
	revisions string
	// began is the share that was there at the first Read without a record, nil before.
	began *int
	// moving is set once a record of this canary was seen: one that is missing later was removed.
	moving bool
}

// patience is how long one request to the API server may take.
const patience = 10 * time.Second

// New returns the place of a canary. It refuses what has no routes of its own.
func New(config *rest.Config, canary Canary, options Options) (*Place, error) {
	t := canary.Target
	switch {
	case t.RoutedByKServe():
		return nil, fmt.Errorf("KServe itself shares the requests of %s (spec.expose.api: kserve), by a field of each revision that its controller reads; move them in the document (kservegen canary step), or in Git", t.Name)
	case t.OmitsRoutes() || len(canary.Routes) == 0:
		return nil, fmt.Errorf("%s leaves its %s out (spec.omit), so that there is nothing to move", t.Name, t.RouteKind())
	}
	config = rest.CopyConfig(config)
	config.Timeout = patience
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	reader, err := live.New(config)
	if err != nil {
		return nil, err
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Held == nil {
		options.Held = func(context.Context) error { return nil }
	}
	return &Place{canary: canary, options: options, client: client, live: reader}, nil
}

func resource(kind string) schema.GroupVersionResource {
	if kind == "HTTPRoute" {
		return schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	}
	return schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}
}

func (p *Place) resource() dynamic.ResourceInterface {
	return p.client.Resource(resource(p.canary.Target.RouteKind())).Namespace(p.canary.Target.Namespace)
}

// Read gives the shares and whether the revision that takes over answers. A move that reached the first of two routes is
// completed.
func (p *Place) Read(ctx context.Context) (runner.State, error) {
	if p.options.Unchanged != nil {
		if err := p.options.Unchanged(); err != nil {
			return runner.State{}, refuse("%v", err)
		}
	}
	if err := p.readRoutes(ctx); err != nil {
		return runner.State{}, err
	}
	if err := p.complete(ctx); err != nil {
		return runner.State{}, err
	}
	first := p.routes[0]
	s := runner.State{Share: first.share, Shadow: first.shadow, Most: p.most(), Version: p.version()}
	if err := p.readRevisions(ctx, &s); err != nil {
		return s, err
	}
	r := first.record
	switch {
	case r == nil:
		return s, p.removed(first)
	case r.Revisions != p.revisions:
		return s, p.exchanged(r)
	}
	p.moving = true
	s.Since = r.Since
	if r.RolledBack {
		s.RolledBack = r.Why
	}
	return s, nil
}

// removed refuses to begin anew in the middle of a run, and to take a share over that somebody gave while it waited.
func (p *Place) removed(first *route) error {
	switch {
	case !p.moving && p.began == nil:
		share := first.share
		p.began = &share
		return nil
	case !p.moving && *p.began == first.share:
		return nil
	case !p.moving:
		return refuse("%s gives %s %d %%, and gave it %d %% when this run began; %s wrote it last; nothing was changed since. Look at it, then run this again",
			first.name(), p.canary.To, first.share, *p.began, lastHand(first.live))
	}
	return refuse("somebody removed the annotation %s of %s, which says how far the canary is; nothing was changed since", Annotation, first.name())
}

// exchanged refuses to go on with revisions that are not those that were looked at.
func (p *Place) exchanged(r *record) error {
	return refuse("%s or %s is not what it was when %s got %s, at %s: somebody changed its objects in the cluster; look at what it is now, and begin anew with --again",
		p.canary.From, p.canary.To, p.canary.To, gets(r.Share, r.Shadow), r.Since.Format(time.RFC3339))
}

func refuse(format string, args ...any) error {
	return &runner.Refusal{Words: fmt.Sprintf(format, args...)}
}

// readRoutes reads and checks the objects that share the requests.
func (p *Place) readRoutes(ctx context.Context) error {
	routes := make([]*route, 0, len(p.canary.Routes))
	for _, rendered := range p.canary.Routes {
		name := nameOf(rendered)
		found, err := p.resource().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return refuse("the cluster has no %s %s in namespace %s; apply the tree first: kubectl apply -k", p.canary.Target.RouteKind(), name, p.canary.Target.Namespace)
		}
		if err != nil {
			return fmt.Errorf("reading %s %s: %w", p.canary.Target.RouteKind(), name, err)
		}
		r, err := p.understand(found, rendered)
		if err != nil {
			return err
		}
		routes = append(routes, r)
	}
	p.routes = routes
	return nil
}

// complete gives the other route what the first one has got: a move that ended between the two.
func (p *Place) complete(ctx context.Context) error {
	first := p.routes[0]
	for _, other := range p.routes[1:] {
		if other.share == first.share && other.shadow == first.shadow && (first.record == nil || other.record != nil) {
			continue
		}
		if first.record == nil {
			return refuse("%s gives %s %s and %s %s; apply the tree first: kubectl apply -k", first.name(), p.canary.To, gets(first.share, first.shadow), other.name(), gets(other.share, other.shadow))
		}
		if p.options.ReadOnly {
			return refuse("a run ended between %s and %s; the next one completes it", first.name(), other.name())
		}
		if err := p.options.Held(ctx); err != nil {
			return err
		}
		if err := p.write(ctx, other, *first.record); err != nil {
			return err
		}
	}
	return nil
}

// version is that of all routes.
func (p *Place) version() string {
	versions := make([]string, 0, len(p.routes))
	for _, r := range p.routes {
		versions = append(versions, r.live.GetResourceVersion())
	}
	return strings.Join(versions, ",")
}

// Move writes the share into each route, first that of the gateway, and takes copies out.
func (p *Place) Move(ctx context.Context, from runner.State, share int, why string) error {
	return p.record(ctx, from, record{Share: share, Why: why, RolledBack: share == 0})
}

// Copy writes copies into each route, and no share.
func (p *Place) Copy(ctx context.Context, from runner.State, percent int, why string) error {
	return p.record(ctx, from, record{Shadow: percent, Why: why})
}

// record writes what it says into each route.
func (p *Place) record(ctx context.Context, from runner.State, r record) error {
	if from.Version != p.version() {
		return runner.ErrMoved
	}
	if err := p.options.Held(ctx); err != nil {
		return err
	}
	r.From, r.To, r.Document, r.Revisions = p.canary.From, p.canary.To, p.canary.Document, p.revisions
	r.Since = p.options.Now().UTC().Truncate(time.Second)
	for _, one := range p.routes {
		if err := p.write(ctx, one, r); err != nil {
			return err
		}
		p.moving = true
	}
	return nil
}

// write is one server-side apply: the weights, the buckets that follow from them, the copies, and the record, or nothing. It takes the list
// of rules over from whoever had it; the resourceVersion makes sure that it is the list that was read.
func (p *Place) write(ctx context.Context, r *route, what record) error {
	rules, err := p.rules(r, what.Share, what.Shadow)
	if err != nil {
		return err
	}
	field := rulesField(p.canary.Target.RouteKind())
	body, err := json.Marshal(map[string]any{
		"apiVersion": r.live.GetAPIVersion(), "kind": r.live.GetKind(),
		"metadata": map[string]any{
			"name": r.live.GetName(), "namespace": r.live.GetNamespace(), "resourceVersion": r.live.GetResourceVersion(),
			"annotations": map[string]any{Annotation: what.text()},
		},
		"spec": map[string]any{field: rules},
	})
	if err != nil {
		return err
	}
	written, err := p.resource().Patch(ctx, r.live.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: FieldManager, Force: ptr.To(true)})
	if apierrors.IsConflict(err) {
		return runner.ErrMoved
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", r.name(), err)
	}
	r.live, r.share, r.shadow, r.record = written, what.Share, what.Shadow, &what
	return nil
}

// readRevisions says whether the revision that takes over answers, and which objects the two are.
func (p *Place) readRevisions(ctx context.Context, s *runner.State) error {
	t := p.canary.Target
	model, err := p.live.Read(ctx, t.Namespace, t.Name)
	if err != nil {
		return err
	}
	revision, _ := model.Find(p.canary.To)
	s.Ready, s.Down = revision.Serves(t)
	s.NotReady = strings.TrimSuffix(revision.Reason, ".")
	var identities []string
	for _, name := range []string{p.canary.From, p.canary.To} {
		identity, err := p.live.Identity(ctx, t.Namespace, t.Serving, t.Qualified(name))
		if err != nil {
			return err
		}
		identities = append(identities, identity)
	}
	p.revisions = strings.Join(identities, " ")
	return nil
}

// errNoWeights is a route that is not the one that was rendered.
var errNoWeights = errors.New("its rules are not those that were rendered")
