package rule

import "github.com/kservegen/kservegen/pkg/finding"

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

// Contradicts keeps the rule's level in a loose set: two objects of the set disagree, whatever else there is.
func (r Reported) Contradicts() {
	found := &r.c.findings[r.index]
	found.Level, found.Lowered = r.c.rule.Level, false
}

// Fix says what to do about this finding, where the rule's own words are for several.
func (r Reported) Fix(text string) { r.c.findings[r.index].Fix = text }

func (r Reported) edit(text string) {
	place := r.at.Place()
	r.c.findings[r.index].Edit = finding.Edit{
		File: place.File, Line: place.Line, Column: place.Column, Key: r.at.Key(), Old: r.at.Scalar(), Text: text,
	}
}
