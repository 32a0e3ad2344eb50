package rule

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// Set is what is judged together: an overlay as it is built, a stream, the files of a directory.
type Set struct {
	// Name for people; empty where it is the file.
	Name      string
	Resources []manifest.Resource
	// Kustomizations are the kustomization files that the set is built of, Patches the strategic merge patches
	// that they name or hold.
	Kustomizations, Patches []manifest.Resource
	// Effective are the objects that KServe makes of the set's InferenceServices; nil where they are not known.
	Effective []manifest.Resource
	// Incomplete is set where a part of the set could not be read.
	Incomplete bool
	// Loose is set where nobody said that the set is all there is: files that were found in a directory. What follows
	// from what is not among them is then worth a look, and no more.
	Loose bool
}

// Context is what a rule sees: one set, and where to report.
type Context struct {
	Versions Versions
	rule     *Rule
	index    *Index
	findings []finding.Finding
	asked    map[Kind]bool
	// assumed is set where nobody named a version that the rule holds for.
	assumed bool
}

// NewContext gives a rule a view of an index.
func NewContext(r *Rule, index *Index, versions Versions) *Context {
	return &Context{Versions: versions, rule: r, index: index}
}

// Assume tells which versions somebody named; the others are taken for the newest.
func (c *Context) Assume(named Versions) {
	for _, r := range c.rule.Holds {
		if _, told := named[r.Product]; !told {
			c.assumed = true
		}
	}
}

// Record makes the context remember the kinds that the rule asks for.
func (c *Context) Record() { c.asked = map[Kind]bool{} }

// Findings are those reported, in the rule's order.
func (c *Context) Findings() []finding.Finding { return c.findings }

// Asked says which kinds the rule has asked for since Record.
func (c *Context) Asked() map[Kind]bool { return c.asked }

func (c *Context) ask(kind Kind) {
	if c.asked != nil {
		c.asked[kind] = true
	}
}

// askAll takes a function, for rules ask often and only tests want to know.
func (c *Context) askAll(kinds func(...Kind) []Kind) {
	if c.asked != nil {
		for _, kind := range kinds() {
			c.asked[kind] = true
		}
	}
}

// Objects returns the set's objects of a kind, in the order of the set.
func (c *Context) Objects(kind Kind) []*Object {
	c.ask(kind)
	return c.index.kinds[kind]
}

// Find returns the object of a name, nil where the set has none.
func (c *Context) Find(kind Kind, namespace, name string) *Object {
	c.ask(kind)
	return c.index.find(kind, namespace, name)
}

// All returns every object of the set. A rule that uses it judges any kind and declares none.
func (c *Context) All() []*Object { return c.index.all }

// Effective returns what KServe makes of a kind, nil where that isn't known.
func (c *Context) Effective(kind Kind) []*Object {
	c.ask(kind)
	return c.index.effective[kind]
}

// level is the rule's, but for what follows from what a loose set lacks.
func (c *Context) level() finding.Level {
	if c.rule.Whole && c.index.set.Loose || c.rule.Named && c.assumed {
		return finding.Info
	}
	return c.rule.Level
}

// Report says what is wrong at a value. The fix is the rule's; where it is mechanical, the result takes it.
func (c *Context) Report(at Value, format string, args ...any) Reported {
	place := at.Place()
	object := at.object
	found := finding.Finding{
		Code:  c.rule.Code,
		Level: c.level(),
		Object: finding.Object{
			APIVersion: object.Resource.APIVersion(), Kind: object.Kind.Name(),
			Namespace: object.Namespace, Name: object.Name,
		},
		Set:  c.index.set.Name,
		File: place.File, Line: place.Line, Column: place.Column,
		Path:    at.Pointer(),
		Message: fmt.Sprintf(format, args...),
		Fix:     c.rule.How,
		Lowered: c.rule.Whole && c.index.set.Loose && c.level() < c.rule.Level,
	}
	// Two workloads may be made of one text: a canary of the stable one's runtime, a leader of the workers' template.
	for i, earlier := range c.findings {
		if earlier.Object == found.Object && earlier.File == found.File && earlier.Line == found.Line && earlier.Path == found.Path && earlier.Message == found.Message {
			return Reported{c: c, at: at, index: i}
		}
	}
	c.findings = append(c.findings, found)
	return Reported{c: c, at: at, index: len(c.findings) - 1}
}
