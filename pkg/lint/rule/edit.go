package rule

import "github.com/kservegen/kservegen/pkg/manifest"

// Edit is a fix that needs no judgement: a scalar is replaced, or an entry removed.
type Edit struct {
	Code string
	// At is where the value stands, Key the name of its entry, Old the value that was seen there.
	At       manifest.Place
	Key, Old string
	// Text is what is written instead, as YAML; empty removes the entry.
	Text string
}

// Reported is a finding that may get an edit.
type Reported struct {
	c     *Context
	at    Value
	index int
}

// Set replaces the value by text that is written as YAML.
func (r Reported) Set(text string) { r.edit(text) }

// Remove removes the entry that the value is of.
func (r Reported) Remove() { r.edit("") }

func (r Reported) edit(text string) {
	if r.c.edits == nil {
		r.c.edits = map[int]Edit{}
	}
	r.c.edits[r.index] = Edit{Code: r.c.rule.Code, At: r.at.Place(), Key: r.at.Key(), Old: r.at.Scalar(), Text: text}
}

// Edit returns the edit of the i-th finding; false where it takes a person.
func (c *Context) Edit(i int) (Edit, bool) {
	edit, ok := c.edits[i]
	return edit, ok
}
