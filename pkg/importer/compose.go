package importer

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// steps lead to a field of a document.
type steps []string

// key makes them comparable; no step holds a zero byte.
func (s steps) key() string { return strings.Join(s, "\x00") }

func pathOf(key string) steps { return strings.Split(key, "\x00") }

// compose makes one document of what each environment says: what most of them agree on in spec, the rest where it
// differs. base, which may be nil, is what our own base says, and is followed.
func compose(base *draft, drafts []*draft, named bool) map[string]any {
	first := drafts[0]
	if !named {
		base = nil // there is nothing else to tell it from
	}
	document := map[string]any{}
	put(document, first.model, "metadata", "name")
	put(document, first.namespace, "metadata", "namespace")
	c := &composer{base: base, drafts: drafts, environments: make([]map[string]any, len(drafts)), revisions: map[string]map[string]any{}, spec: map[string]any{}}
	for i, d := range drafts {
		c.environments[i] = map[string]any{}
		for _, revision := range d.revisions {
			if c.revisions[revision] == nil {
				c.revisions[revision] = map[string]any{}
			}
		}
	}
	order := c.revisionOrder()
	for _, section := range []string{"model", "runtime", "accelerator", "resources", "replicas"} {
		c.revised(section, order)
	}
	put(c.spec, first.served, "model", "servedName")
	for _, section := range sections() {
		c.shared(section)
	}
	c.traffic()
	document["spec"] = c.spec
	var revisions, environments []any
	for _, name := range order {
		revisions = append(revisions, withName(name, c.revisions[name]))
	}
	if len(order) > 1 || order[0] != spec.DefaultRevision || len(c.revisions[order[0]]) > 0 {
		put(c.spec, revisions, "revisions")
	}
	for i, d := range drafts {
		environments = append(environments, withName(d.name, c.environments[i]))
	}
	if named {
		put(c.spec, environments, "environments")
	}
	return document
}

func withName(name string, fields map[string]any) map[string]any {
	named := maps.Clone(fields)
	named["name"] = name
	return named
}

// composer decides where each value is written.
type composer struct {
	base         *draft
	drafts       []*draft
	spec         map[string]any
	environments []map[string]any
	revisions    map[string]map[string]any
}

// revisionOrder lists the revisions in the order of the base, then in that in which they appear.
func (c *composer) revisionOrder() []string {
	var order []string
	add := func(names []string) {
		for _, name := range names {
			if !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
	}
	if c.base != nil {
		add(slices.DeleteFunc(slices.Clone(c.base.revisions), func(name string) bool { return c.revisions[name] == nil }))
	}
	for _, d := range c.drafts {
		add(d.revisions)
	}
	return order
}

// leaves lists the fields of a section that hold values; lists and empty mappings are values.
func leaves(prefix steps, v any, into map[string]any) {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		into[prefix.key()] = v
		return
	}
	for key, value := range m {
		leaves(append(slices.Clone(prefix), key), value, into)
	}
}

// sections are the parts of spec that belong to no revision. Those that are there or not as a whole stand alone.
func sections() []steps {
	return []steps{
		{"serving"}, {"sticky"}, {"expose"}, {"chat"}, {"security", "mtls"}, {"security", "callers"}, {"security", "jwt"}, {"scaling", "type"},
		{"scaling", "metric"}, {"scaling", "target"}, {"scaling", "prometheus"}, {"scaling", "cooldown"}, {"scaling", "coldStart"}, {"scaling", "schedule"},
		{"scaling", "adapterRules"}, {"scaling", "spare"}, {"monitoring"}, {"platform"}, {"quota"}, {"omit"}, {"gitops"},
	}
}

// shared writes a section of spec, and where an environment has another.
func (c *composer) shared(section steps) {
	values := make([]any, len(c.drafts))
	for i, d := range c.drafts {
		values[i] = dig(d.whole, section...)
	}
	followed := most(values)
	if c.base != nil && (section[0] == "sticky" || section[0] == "expose" || section[0] == "chat" || section[0] == "platform" || section[0] == "security") {
		followed = dig(c.base.whole, section...)
	}
	put(c.spec, manifest.DeepCopy(followed), section...)
	for i, value := range values {
		if reflect.DeepEqual(value, followed) {
			continue
		}
		put(c.environments[i], manifest.DeepCopy(difference(followed, value)), section...)
	}
}

// most is the value that most environments have; nothing, and then the last, where they are even.
func most(values []any) any {
	var best any
	count := -1
	for _, value := range values {
		n := 0
		for _, other := range values {
			if reflect.DeepEqual(value, other) {
				n++
			}
		}
		if n > count || n == count && best != nil {
			best, count = value, n
		}
	}
	return best
}

// difference is what an override says to make want of base. removed stands for null.
func difference(base, want any) any {
	if want == nil {
		return removed{}
	}
	was, now := fields(base), fields(want)
	if was == nil || now == nil || len(now) == 0 {
		return want
	}
	over := map[string]any{}
	for key, value := range now {
		if old, ok := was[key]; !ok {
			over[key] = value
		} else if !reflect.DeepEqual(old, value) {
			over[key] = difference(old, value)
		}
	}
	for key := range was {
		if _, ok := now[key]; !ok {
			over[key] = removed{}
		}
	}
	return over
}

// removed is null in a document.
type removed struct{}

// MarshalJSON writes null.
func (removed) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// traffic follows the revisions and testers of the base, which knows no weights.
func (c *composer) traffic() {
	values := make([]any, len(c.drafts))
	for i, d := range c.drafts {
		values[i] = anys(d.traffic)
	}
	followed := most(values)
	if c.base != nil {
		var alike []any
		for _, value := range values {
			if reflect.DeepEqual(weightless(value), weightless(c.base.traffic)) {
				alike = append(alike, value)
			}
		}
		followed = any(c.base.traffic)
		if len(alike) > 0 {
			followed = most(alike)
		}
	}
	put(c.spec, manifest.DeepCopy(followed), "traffic")
	for i, value := range values {
		if !reflect.DeepEqual(value, followed) {
			put(c.environments[i], manifest.DeepCopy(value), "traffic")
		}
	}
}

func weightless(traffic any) []any {
	var list []any
	for _, share := range items(traffic) {
		one := maps.Clone(fields(share))
		delete(one, "weight")
		list = append(list, one)
	}
	return list
}

// grid is a section of every revision in every environment: values[environment][revision]. The first environment is
// the base where there is one.
type grid struct {
	section   string
	rows      []map[string]map[string]any // by revision: leaf to value
	based     bool
	revisions []string
}

// revised writes a section that revisions have: what holds wherever a revision runs into the revision, what changes
// from one environment to the next into those, and the rest into spec.
func (c *composer) revised(section string, order []string) {
	g := &grid{section: section, revisions: order, based: c.base != nil}
	drafts := c.drafts
	if c.base != nil {
		drafts = append([]*draft{c.base}, drafts...)
	}
	atomic := renamed(section, drafts)
	for _, d := range drafts {
		row := map[string]map[string]any{}
		for revision, part := range d.parts {
			cells := map[string]any{}
			if value := part[section]; value != nil && atomic {
				cells[section] = value
			} else if value != nil {
				leaves(steps{section}, value, cells)
			}
			row[revision] = cells
		}
		g.rows = append(g.rows, row)
	}
	keys := map[string]bool{}
	for _, row := range g.rows {
		for _, cells := range row {
			for key := range cells {
				keys[key] = true
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		c.place(g, key)
	}
}

// renamed says whether a section names different things, models for example: then nothing of one goes for the other.
func renamed(section string, drafts []*draft) bool {
	identity := map[string]string{"model": "id", "runtime": "name", "accelerator": "type"}[section]
	if identity == "" {
		return false
	}
	seen := map[any]bool{}
	for _, d := range drafts {
		for _, part := range d.parts {
			seen[dig(part, section, identity)] = true
		}
	}
	return len(seen) > 1
}

// place writes one field.
func (c *composer) place(g *grid, key string) {
	rows, own := g.solve(key)
	values := rows
	if g.based {
		values = rows[1:]
	}
	followed := most(known(values))
	if g.based && rows[0] != any(unknown{}) {
		followed = rows[0]
	}
	at := pathOf(key)
	put(c.spec, manifest.DeepCopy(followed), at...)
	for i, value := range values {
		if value != any(unknown{}) && !reflect.DeepEqual(value, followed) {
			put(c.environments[i], manifest.DeepCopy(override(followed, value)), at...)
		}
	}
	for revision, value := range own {
		if target := c.revisions[revision]; target != nil {
			put(target, manifest.DeepCopy(override(true, value)), at...)
		}
	}
}

func override(base, value any) any {
	if value == nil && base != nil {
		return removed{}
	}
	return value
}

// unknown marks an environment in which nothing runs that could tell.
type unknown struct{}

func known(values []any) []any {
	return slices.DeleteFunc(slices.Clone(values), func(v any) bool { return v == any(unknown{}) })
}

// solve splits a field into what each row says for all revisions, and what single revisions say for themselves. A
// revision whose value changes from row to row says nothing itself; of the others, those say something that differ.
func (g *grid) solve(key string) (rows []any, own map[string]any) {
	constant := map[string]any{}
	var free []string
	for _, revision := range g.revisions {
		values := g.column(key, revision)
		if slices.ContainsFunc(values, func(v any) bool { return !reflect.DeepEqual(v, values[0]) }) {
			free = append(free, revision)
		} else if len(values) > 0 {
			constant[revision] = values[0]
		}
	}
	own = map[string]any{}
	if len(free) == 0 {
		usual := g.usual(constant)
		for revision, value := range constant {
			if !reflect.DeepEqual(value, usual) {
				own[revision] = value
			}
		}
	}
	rows = g.shared(key, free, constant, own)
	for revision, value := range constant {
		for i, row := range g.rows {
			if _, runs := row[revision]; runs && len(free) > 0 && rows[i] != any(unknown{}) && !reflect.DeepEqual(rows[i], value) {
				own[revision] = value
			}
		}
	}
	return g.shared(key, free, constant, own), own
}

// column lists the values of one revision where it runs.
func (g *grid) column(key, revision string) []any {
	var values []any
	for _, row := range g.rows {
		if cells, runs := row[revision]; runs {
			values = append(values, cells[key])
		}
	}
	return values
}

// usual is the value that most revisions have, the first of them where they are even.
func (g *grid) usual(constant map[string]any) any {
	var best any
	count := 0
	for _, revision := range g.revisions {
		n := 0
		for _, value := range constant {
			if reflect.DeepEqual(value, constant[revision]) {
				n++
			}
		}
		if _, ok := constant[revision]; ok && n > count {
			best, count = constant[revision], n
		}
	}
	return best
}

// shared is what each row says for all revisions that say nothing themselves.
func (g *grid) shared(key string, free []string, constant, own map[string]any) []any {
	rows := make([]any, len(g.rows))
	for i, row := range g.rows {
		rows[i] = unknown{}
		for _, revision := range slices.Concat(free, g.revisions) {
			_, says := own[revision]
			_, stays := constant[revision]
			if cells, runs := row[revision]; runs && !says && (slices.Contains(free, revision) || stays) {
				rows[i] = cells[key]
				break
			}
		}
	}
	return rows
}
