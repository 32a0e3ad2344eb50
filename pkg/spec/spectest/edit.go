package spectest

import (
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/spec"
)

// Revisions lists the names of the document's revisions.
func (p Params) Revisions() []string {
	list := p.spec().get("revisions")
	if list == nil {
		return []string{spec.DefaultRevision}
	}
	names := make([]string, 0, len(list.items))
	for _, revision := range list.items {
		names = append(names, revision.get("name").text)
	}
	return names
}

func (p Params) spec() *node { return p.root.get("spec") }

func (p Params) clone() Params { return Params{root: p.root.clone(), seed: p.seed} }

// traffics lists every traffic of the document: that of spec and those of environments.
func (p Params) traffics() []*node {
	var found []*node
	holders := []*node{p.spec()}
	if environments := p.spec().get("environments"); environments != nil {
		holders = append(holders, environments.items...)
	}
	for _, holder := range holders {
		if traffic := holder.get("traffic"); traffic != nil && len(traffic.items) > 0 {
			found = append(found, traffic)
		}
	}
	return found
}

// AddRevision adds a revision that changes one flag, with weight 0 wherever others have one. A document leaves
// room for a name of 10 characters.
func (p Params) AddRevision(name string) Params {
	c := p.clone()
	s := c.spec()
	if s.get("revisions") == nil {
		s.set("revisions", items(fields("name", scalar(str, spec.DefaultRevision))))
	}
	before := c.Revisions()
	revisions := s.get("revisions")
	revisions.items = append(revisions.items,
		fields("name", scalar(str, name), "runtime", fields("args", fields("max-num-seqs", scalar(raw, "64")))))
	if s.get("traffic") == nil && len(before) == 1 {
		s.set("traffic", items(share(before[0], 100)))
	}
	for _, traffic := range c.traffics() {
		traffic.items = append(traffic.items, share(name, 0))
	}
	return c
}

func share(name string, weight int) *node {
	return fields("revision", scalar(str, name), "weight", scalar(raw, strconv.Itoa(weight)))
}

// RemoveRevision removes one of several revisions; its weight goes to another.
func (p Params) RemoveRevision(index int) Params {
	name := p.Revisions()[index]
	c := p.clone()
	revisions := c.spec().get("revisions")
	revisions.items = slices.Delete(revisions.items, index, index+1)
	for _, traffic := range c.traffics() {
		i := slices.IndexFunc(traffic.items, func(n *node) bool { return n.get("revision").text == name })
		if i < 0 {
			continue
		}
		weight, _ := strconv.Atoi(traffic.items[i].get("weight").text)
		traffic.items = slices.Delete(traffic.items, i, i+1)
		if len(traffic.items) == 0 {
			traffic.items = []*node{share(c.Revisions()[0], 0)}
		}
		kept, _ := strconv.Atoi(traffic.items[0].get("weight").text)
		traffic.items[0].set("weight", scalar(raw, strconv.Itoa(kept+weight)))
		if len(traffic.items) == 1 { // of which there can be no copies
			traffic.items[0] = without(traffic.items[0], "mirror")
		}
	}
	return c
}

// SetWeights draws new weights wherever the document has any.
func (p Params) SetWeights(t *rapid.T) Params {
	c := p.clone()
	for _, traffic := range c.traffics() {
		for i, weight := range weights(t, len(traffic.items)) {
			traffic.items[i].set("weight", scalar(raw, strconv.Itoa(weight)))
		}
	}
	return c
}

// Shuffled says the same with the fields and the traffic in another order, in another layout.
func (p Params) Shuffled(t *rapid.T) Params {
	c := p.clone()
	shuffle(t, c.root)
	for _, traffic := range c.traffics() {
		traffic.items = rapid.Permutation(traffic.items).Draw(t, "order of traffic")
	}
	c.seed = rapid.Uint64().Draw(t, "other layout")
	return c
}

func shuffle(t *rapid.T, n *node) {
	for _, item := range n.items {
		shuffle(t, item)
	}
	if n.kind != mapping || len(n.keys) < 2 {
		return
	}
	order := make([]int, len(n.keys))
	for i := range order {
		order[i] = i
	}
	keys, values := slices.Clone(n.keys), slices.Clone(n.items)
	for to, from := range rapid.Permutation(order).Draw(t, "order") {
		n.keys[to], n.items[to] = keys[from], values[from]
	}
}
