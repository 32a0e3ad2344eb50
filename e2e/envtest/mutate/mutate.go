// Package mutate damages objects, a little each and always in the same way for the same seed. Some mutants
// are right, some wrong: whoever judges them finds out which, and two judges must agree.
package mutate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// Operator is a way to damage an object.
type Operator string

// The operators. Each has harmless sites, as an optional field to drop, and harmful ones.
const (
	Drop       Operator = "drop"
	Rename     Operator = "rename"
	Retype     Operator = "retype"
	OutOfRange Operator = "out of range"
	Duplicate  Operator = "duplicate"
	Enum       Operator = "enum"
	ListKey    Operator = "list key"
)

// Operators lists them all.
func Operators() []Operator {
	return []Operator{Drop, Rename, Retype, OutOfRange, Duplicate, Enum, ListKey}
}

// Mutant is a damaged object.
type Mutant struct {
	Operator Operator
	// Kind and Name are those of the object that was damaged.
	Kind, Name string
	// Path is the damaged field, as the API server writes it: spec.http[0].route.
	Path string
	// Change says what was done there.
	Change string
	// Object is the result.
	Object map[string]any
}

// String names the mutant in messages.
func (m Mutant) String() string {
	return fmt.Sprintf("%s %s: %s %s: %s", m.Kind, m.Name, m.Operator, m.Path, m.Change)
}

// Options decide which mutants there are.
type Options struct {
	// Seed makes the choice. The same seed, corpus and schemas give the same mutants.
	Seed uint64
	// PerOperator is how many mutants each operator makes, or fewer where there are no more sites.
	PerOperator int
	// Schemas tell which value a field may have; without any, the values of the object do.
	Schemas Schemas
}

// Generate returns distinct mutants of the objects. An operator's mutants are spread over the kinds, and over
// sites at which the schema makes one expect that the mutant is right and that it is wrong.
func Generate(corpus []map[string]any, options Options) []Mutant {
	seen := map[[sha256.Size]byte]bool{}
	for _, object := range corpus {
		seen[digest(object)] = true // a mutant that equals another object is none
	}
	var mutants []Mutant
	for i, operator := range Operators() {
		random := rand.New(rand.NewPCG(options.Seed, uint64(i))) //nolint:gosec // what must not change is the sequence
		drawer := newDrawer(random, candidates(operator, corpus, options.Schemas))
		for made := 0; made < options.PerOperator; {
			c, ok := drawer.next()
			if !ok {
				break
			}
			mutant := c.mutant(operator)
			sum := digest(mutant.Object)
			if seen[sum] {
				continue
			}
			seen[sum] = true
			mutants = append(mutants, mutant)
			made++
		}
	}
	return mutants
}

// candidate is a mutant that is not made yet.
type candidate struct {
	object map[string]any
	site   site
	edit   edit
}

func (c candidate) mutant(operator Operator) Mutant {
	object := runtime.DeepCopyJSON(c.object)
	c.edit.apply(parentOf(object, c.site.path), c.site.path[len(c.site.path)-1])
	kind, name := identity(c.object)
	return Mutant{
		Operator: operator, Kind: kind, Name: name,
		Path: text(c.site.path), Change: c.edit.change, Object: object,
	}
}

func identity(object map[string]any) (kind, name string) {
	kind, _ = object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	name, _ = metadata["name"].(string)
	return kind, name
}

func candidates(operator Operator, corpus []map[string]any, schemas Schemas) []candidate {
	var all []candidate
	for _, object := range corpus {
		for _, s := range sites(object, schemas) {
			for _, e := range edits(operator, s) {
				all = append(all, candidate{object, s, e})
			}
		}
	}
	return all
}

// drawer deals candidates in turns of kind and expectation, so that a kind with many fields does not crowd
// out the others.
type drawer struct {
	piles [][]candidate
	turn  int
}

func newDrawer(random *rand.Rand, all []candidate) *drawer {
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	piles := map[string][]candidate{}
	var names []string
	for _, c := range all {
		kind, _ := identity(c.object)
		name := fmt.Sprintf("%s %v", kind, c.edit.harmless)
		if piles[name] == nil {
			names = append(names, name)
		}
		piles[name] = append(piles[name], c)
	}
	slices.Sort(names)
	d := &drawer{}
	for _, name := range names {
		d.piles = append(d.piles, piles[name])
	}
	return d
}

func (d *drawer) next() (candidate, bool) {
	for range d.piles {
		i := d.turn % len(d.piles)
		d.turn++
		if pile := d.piles[i]; len(pile) > 0 {
			d.piles[i] = pile[1:]
			return pile[0], true
		}
	}
	return candidate{}, false
}

func digest(object map[string]any) [sha256.Size]byte {
	content, err := json.Marshal(object)
	if err != nil {
		return sha256.Sum256(fmt.Append(nil, object)) // JSON values always marshal
	}
	return sha256.Sum256(content)
}

// text writes a path as the API server does.
func text(path []any) string {
	var b strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		}
	}
	return b.String()
}
