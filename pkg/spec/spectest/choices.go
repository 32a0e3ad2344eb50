package spectest

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/catalog"
)

const simulatorRuntime = "simulator"

// where the simulator serves.
type simulated int

const (
	nowhere simulated = iota
	inPlaces
	everywhere
)

// origin of a tree that is synced.
type origin int

const (
	unsynced origin = iota
	gitRepository
	ociArtifact
)

// routing is the API of the objects that share requests.
type routing int

const (
	byIstio routing = iota
	byGatewayAPI
	// byEither changes between environments.
	byEither
	// byKServe is for LLMInferenceServices: KServe makes the HTTPRoutes, which share by weight alone.
	byKServe
)

// store is what a claim is made of.
type store int

const (
	byClass store = iota
	oldLustre
	newLustre
	elastic
	// snapshot is of pods' own volumes, which only InferenceServices whose routes are ours have, on one node.
	snapshot
)

// drawer draws the parts of one document. Overrides are drawn alone and merge in ways that are not known yet,
// so what must fit together (accelerators and runtimes, path or header, min and max) is settled for the whole
// document first.
type drawer struct {
	t *rapid.T
	// models that spec and overrides may name, accelerators that have layouts of all of them.
	models       []catalog.Model
	accelerators []catalog.Accelerator
	simulator    simulated
	// runtime may be written; empty where accelerators of different runtimes are in play.
	runtime string
	// bare documents name no accelerator.
	bare bool
	// Overrides of revisions and environments keep to one way of saying things.
	claim, images, hpa, expose, jwt bool
	// page has a page of the chat, which takes a gateway and routes of ours.
	page bool
	// writes says that the gateway writes the buckets of users.
	writes bool
	// store is what claims are made of, download whether a Job fills them.
	store    store
	download bool
	// cached has KServe keep the sources on nodes.
	cached bool
	// ipv6 says that pods may have addresses of IPv6, to which neither FSx nor the simulator goes.
	ipv6 bool
	// llm serves by LLMInferenceServices.
	llm bool
	// nodes of every replica, 0 where one is left unsaid; groups serves them by LeaderWorkerSets.
	nodes            int
	groups           bool
	exposeBy, keysBy int
	api              routing
	// from is what kind of repository the tree is pulled from, tagged whether by tag.
	from   origin
	tagged bool
	// replicas of revisions may be overridden; then environments cannot go below them.
	revisionReplicas bool
	revisions        []string
}

func newDrawer(t *rapid.T) *drawer {
	d := &drawer{t: t}
	d.drawDevices()
	d.claim, d.images, d.expose = d.chance("claim", 4), d.chance("images", 6), d.chance("expose", 2)
	d.hpa, d.revisionReplicas = d.chance("hpa", 5), d.chance("replicas of revisions", 3)
	d.jwt = d.expose && d.chance("jwt", 3)
	d.api = routing(d.upTo("api", 2))
	d.drawNodes()
	d.llm = d.nodes == 0 && d.simulator == nowhere && d.chance("LLMInferenceService", 3)
	if d.llm && d.chance("routed by KServe", 3) {
		d.api = byKServe
	}
	d.page = d.expose && d.api != byKServe && d.chance("page of the chat", 3)
	d.writes = d.api == byIstio && d.expose && d.chance("bucket by the gateway", 4)
	if d.claim {
		d.store, d.download = store(d.upTo("store", 3)), d.chance("download", 3)
		if d.plain() && !d.download && d.chance("snapshot", 4) {
			d.store = snapshot
		}
	}
	d.ipv6 = d.simulator == nowhere && d.store != oldLustre && d.store != newLustre && d.chance("IPv6", 2)
	d.cached = !d.claim && d.plain() && d.chance("cached", 5)
	d.from = origin(d.upTo("synced from", 2))
	d.tagged = d.from == ociArtifact || d.chance("tagged", 4)
	d.exposeBy, d.keysBy = d.upTo("expose by", 2), d.upTo("keys by", 2)
	d.revisions = distinct(t, "revision", d.upTo("revisions", 4),
		[]string{"v1", "v2", "v2-fp8", "1", "0x1f", "1e3", "on", "no", "null", "true", "y", "2026-11-01", "v10"})
	return d
}

// plain documents serve a model by InferenceServices, on one node, whose routes are ours.
func (d *drawer) plain() bool {
	return d.nodes == 0 && !d.llm && d.api != byKServe && d.simulator == nowhere
}

// chance is true once in n times, and false where rapid looks for the simplest document.
func (d *drawer) chance(what string, n int) bool {
	return rapid.IntRange(0, n-1).Draw(d.t, what) == n-1
}

func (d *drawer) upTo(what string, most int) int { return rapid.IntRange(0, most).Draw(d.t, what) }

func (d *drawer) layout() uint64 {
	if d.upTo("layout", 3) == 0 {
		return 0
	}
	return rapid.Uint64().Draw(d.t, "seed")
}

func pick[T any](d *drawer, what string, values ...T) T {
	return rapid.SampledFrom(values).Draw(d.t, what)
}

func (d *drawer) drawDevices() {
	models, err := catalog.Models()
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	models = slices.DeleteFunc(models, func(m catalog.Model) bool { return len(m.Layouts) == 0 })
	d.models = []catalog.Model{models[d.upTo("model", len(models)-1)]}
	d.simulator = simulated(d.upTo("simulator", 2))
	d.drawAccelerators()
	for _, other := range models {
		if d.chance("another model", 12) && d.fits(other) {
			d.models = append(d.models, other)
		}
	}
	if d.simulator == everywhere {
		d.runtime = simulatorRuntime
		d.bare = d.chance("with an accelerator", 2)
		return
	}
	if d.chance("runtime", 3) {
		d.runtime = d.accelerators[0].Runtime
		d.accelerators = slices.DeleteFunc(d.accelerators, func(a catalog.Accelerator) bool { return a.Runtime != d.runtime })
		d.bare = d.runtime == "vllm-cpu" && d.chance("bare", 2)
	}
}

// drawAccelerators draws one to three of those that the first model has layouts on.
func (d *drawer) drawAccelerators() {
	all, err := catalog.Accelerators()
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	var known []string
	for _, layout := range d.models[0].Layouts {
		if layout.Nodes < 2 { // over several nodes little else of a document is free
			known = append(known, layout.Accelerator)
		}
	}
	known = rapid.Permutation(known).Draw(d.t, "accelerators")
	for _, name := range known[:min(len(known), 1+d.upTo("accelerators", 2))] {
		i := slices.IndexFunc(all, func(a catalog.Accelerator) bool { return a.Name == name })
		d.accelerators = append(d.accelerators, all[i])
	}
}

// drawNodes draws several nodes for all replicas, on one accelerator: what a replica asks for otherwise is settled by them.
func (d *drawer) drawNodes() {
	a := d.accelerators[0]
	layout, _ := d.models[0].Layout(a.Name)
	spans := a.Runtime == "vllm-cuda" || a.Runtime == "vllm-rocm"
	if d.simulator != nowhere || d.bare || !spans || layout.DataParallel > 1 || !d.chance("several nodes", 3) {
		return
	}
	d.models, d.accelerators = d.models[:1], d.accelerators[:1]
	d.nodes, d.groups = 2, d.chance("groups", 2)
	if d.groups {
		d.nodes += d.upTo("more nodes", 2)
		return
	}
	d.hpa, d.revisionReplicas = false, false
}

func (d *drawer) fits(m catalog.Model) bool {
	for _, a := range d.accelerators {
		if layout, ok := m.Layout(a.Name); !ok || layout.Nodes > 1 {
			return false
		}
	}
	return m.ID != d.models[0].ID
}

// counts of devices that every model of the document divides by, on one accelerator or on all of them.
func (d *drawer) counts(accelerators ...catalog.Accelerator) []int {
	var counts []int
	for n := 1; n <= 16; n++ {
		fits := true
		for _, a := range accelerators {
			fits = fits && n <= a.PerNode
			for _, m := range d.models {
				ranks := n * max(a.RanksPerDevice, 1)
				fits = fits && (m.AttentionHeads == 0 || m.AttentionHeads%ranks == 0 && (m.KVHeads%ranks == 0 || ranks%m.KVHeads == 0))
			}
		}
		if fits {
			counts = append(counts, n)
		}
	}
	return counts
}
