// Package finding holds the result of validation, as every check makes it and every report prints it.
package finding

import (
	"cmp"
	"fmt"
	"slices"
)

// Level says how bad a finding is.
type Level int

// Levels from the mildest on.
const (
	// Info is worth knowing and needs nothing done.
	Info Level = iota
	// Warning will work and likely not as meant.
	Warning
	// Error will be refused or will not work.
	Error
)

func (l Level) String() string {
	switch l {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return fmt.Sprintf("level %d", int(l))
}

// Object names the object that a finding is about.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

func (o Object) String() string {
	switch {
	case o.Namespace != "":
		return o.Kind + " " + o.Namespace + "/" + cmp.Or(o.Name, "(no name)")
	case o.Name == "": // a kustomization has none
		return o.Kind
	}
	return o.Kind + " " + o.Name
}

// Finding is one thing that is wrong, where it stands, and what to do.
type Finding struct {
	// Code is stable and never reused: KG, two digits of the topic, two of the rule.
	Code  string
	Level Level
	// Lowered is set where Level is below that of the code, because the set may not be all there is.
	Lowered bool
	// Object is zero where a file could not be read.
	Object Object
	// Set is the kustomization, stream or directory whose objects were judged together; empty where it is File.
	Set string
	// File, Line and Column of the value; Line and Column count from 1, 0 where they are not known.
	File         string
	Line, Column int
	// Path of the value in the object, an RFC 6901 JSON pointer; empty for the object itself.
	Path string
	// Message says what is wrong, Fix what to do; Fix may be empty.
	Message string
	Fix     string
	// Edit is the fix where it needs no judgement; zero where it takes a person.
	Edit Edit
}

// Edit replaces a scalar of a file (a value, or a key to rename), or removes an entry.
type Edit struct {
	// File, Line and Column say where the scalar stands, counted from 1.
	File         string
	Line, Column int
	// Key is the name of the entry, Old the scalar that was seen there. Where the place looks otherwise
	// nothing is done.
	Key, Old string
	// Text is what is written instead, as YAML; empty removes the entry.
	Text string
}

// Sort orders findings by place, then code, and drops repetitions.
func Sort(findings []Finding) []Finding {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message),
			cmp.Compare(a.Object.String(), b.Object.String()), cmp.Compare(a.Set, b.Set),
		)
	})
	return slices.CompactFunc(findings, func(a, b Finding) bool {
		a.Set, b.Set = "", ""
		return a == b
	})
}
