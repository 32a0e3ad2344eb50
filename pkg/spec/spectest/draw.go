package spectest

import (
	"fmt"
	"strconv"

	"github.com/kservegen/kservegen/pkg/spec"
)

// maxRevision is the longest name of a revision for which every document leaves room.
const maxRevision = 10

func (d *drawer) document() *node {
	return fields(
		"apiVersion", scalar(str, "kservegen.dev/v1alpha1"),
		"kind", scalar(str, "ModelDeployment"),
		"metadata", orNil(d.metadata()),
		"spec", d.spec(),
	)
}

// metadata keeps <name>-<revision>-predictor-<namespace> in 63 characters, at the limit now and then.
func (d *drawer) metadata() *node {
	const room = 63 - len("--predictor-") - maxRevision
	longest := 63 - len("isvc.--predictor") - maxRevision
	if d.llm {
		longest = 63 - len("--kserve-workload-svc") - maxRevision
	}
	if d.nodes > 0 {
		longest = 63 - len("isvc.--predictor-worker") - maxRevision
	}
	length := len(spec.DeriveName(d.models[0].ID))
	meta := fields()
	if d.chance("name", 2) || length > min(room-len("default"), longest) {
		name := label(d.t, "name", 1, longest)
		length = len(name)
		meta.set("name", scalar(str, name))
	}
	if length > room-len("default") || d.chance("namespace", 2) {
		meta.set("namespace", scalar(str, label(d.t, "namespace", 1, room-length)))
	}
	return meta
}

func (d *drawer) spec() *node {
	s := fields(
		"model", d.model(),
		"runtime", orNil(d.specRuntime()),
		"accelerator", d.specAccelerator(),
		"resources", orNil(d.resources()),
		"replicas", d.specReplicas(),
		"revisions", d.revisionList(),
	)
	if d.llm {
		s.set("serving", scalar(str, spec.ServingLLMInferenceService))
	}
	if d.groups {
		s.set("serving", scalar(str, spec.ServingLeaderWorkerSet))
	}
	s.set("environments", d.environmentList())
	if len(d.revisions) > 1 && d.needsTraffic(s) || d.chance("traffic", 2) {
		s.set("traffic", d.traffic(true))
	}
	if sticky := d.sticky(); sticky != nil {
		s.set("sticky", sticky)
	}
	d.mesh(s, true)
	if d.nodes > 0 && !d.groups {
		d.keepWorkers(s)
	}
	if d.chance("rollout", 4) {
		rollout := fields("steps", items(scalar(raw, "1"), d.number("step", 2, 99), scalar(raw, "100")))
		if d.api != byKServe && d.chance("shadow", 2) {
			rollout.set("shadow", d.number("shadow", 0, 100))
		}
		s.set("rollout", rollout)
	}
	if len(s.get("environments").items) == 0 && d.chance("no environments", 2) {
		return without(s, "environments")
	}
	return s
}

// keepWorkers names a KServe that leaves the workers of several nodes.
func (d *drawer) keepWorkers(s *node) {
	platform := s.get("platform")
	if platform == nil {
		platform = fields()
		s.set("platform", platform)
	}
	platform.set("kserve", fields("version", scalar(str, pick(d, "KServe", "v0.19.0", "v0.21.0"))))
}

// needsTraffic says whether some environment, or the only one, has no traffic of its own.
func (d *drawer) needsTraffic(s *node) bool {
	environments := s.get("environments")
	for _, e := range environments.items {
		if e.get("traffic") == nil || len(e.get("traffic").items) == 0 {
			return true
		}
	}
	return len(environments.items) == 0
}

func without(n *node, key string) *node {
	pruned := fields()
	for i, k := range n.keys {
		if k != key {
			pruned.set(k, n.items[i])
		}
	}
	return pruned
}

func (d *drawer) revisionList() *node {
	if len(d.revisions) == 0 {
		return nil
	}
	revisions := items()
	for _, name := range d.revisions {
		revision := fields("name", scalar(str, name))
		d.overrides(revision, false)
		revisions.items = append(revisions.items, revision)
	}
	return revisions
}

func (d *drawer) environmentList() *node {
	environments := items()
	names := distinct(d.t, "environment", d.upTo("environments", 4),
		[]string{"dev", "staging", "production", "default", "base", "1", "on", "prod-eu-1", "null"})
	for _, name := range names {
		environment := fields("name", scalar(str, name))
		d.overrides(environment, true)
		if d.chance("traffic of environment", 3) {
			environment.set("traffic", d.traffic(false))
		}
		if d.api != byKServe && d.chance("sticky of environment", 6) {
			environment.set("sticky", pick(d, "sticky", fields(), fields("header", scalar(str, "x-bucket")), null()))
		}
		d.mesh(environment, false)
		environments.items = append(environments.items, environment)
	}
	return environments
}

// overrides are what revisions and environments both may change.
func (d *drawer) overrides(n *node, environment bool) {
	if d.chance("model of override", 4) {
		n.set("model", d.modelOverride(environment))
	}
	if d.chance("runtime of override", 2) {
		n.set("runtime", d.runtimeOverride())
	}
	if d.chance("accelerator of override", 4) {
		d.acceleratorOverride(n, environment)
	}
	if d.chance("resources of override", 4) {
		n.set("resources", d.resources())
	}
	if d.chance("replicas of override", 3) && (environment || d.revisionReplicas) {
		n.set("replicas", d.replicasOverride())
	}
}

func (d *drawer) number(what string, least, most int) *node {
	return scalar(raw, strconv.Itoa(least+d.upTo(what, most-least)))
}

// traffic shares requests; an environment may leave revisions out.
func (d *drawer) traffic(all bool) *node {
	names := d.revisions
	if len(names) == 0 {
		names = []string{spec.DefaultRevision}
	}
	count := len(names)
	if !all {
		count = 1 + d.upTo("revisions that run", len(names)-1)
	}
	traffic := items()
	testers := map[string]bool{}
	for i, weight := range weights(d.t, count) {
		share := fields("revision", scalar(str, names[i]), "weight", scalar(raw, fmt.Sprint(weight)))
		if d.api != byKServe && d.chance("testers", 3) {
			drawn := d.header("testers", "x-llm-track", "x-user", "on", "cookie", "x~y")
			if key := drawn.get("header").text + " " + drawn.get("value").text; !testers[key] {
				share.set("testers", drawn)
				testers[key] = true
			}
		}
		if d.api != byKServe && count > 1 && d.chance("mirror", 4) {
			share.set("mirror", d.number("mirror", 0, 100))
		}
		traffic.items = append(traffic.items, share)
	}
	return traffic
}
