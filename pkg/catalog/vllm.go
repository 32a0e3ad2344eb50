package catalog

import (
	"bytes"
	_ "embed" // the table
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// VLLM is what the releases of vLLM take as flags and export as metrics, as make generate-vllm read it from their own
// argument parsers and sources (hack/vllmflags/README.md). It is shared: never change it.
type VLLM struct {
	Note string `json:"note"`
	// Releases that were read, oldest first, without a v.
	Releases []string      `json:"releases"`
	Flags    []VLLMFlag    `json:"flags"`
	Metrics  []VLLMMetric  `json:"metrics"`
	Renamed  []RenamedFlag `json:"-"`
}

// VLLMFlag is one flag of `vllm serve` in all the releases that have it.
type VLLMFlag struct {
	// Name is without dashes in front.
	Name  string     `json:"name"`
	Forms []FlagForm `json:"forms"`
	// Values are those that the flag knows where a form says who checks them, each with its releases.
	Values map[string]Releases `json:"values,omitempty"`
}

// FlagForm is what a flag is like in some releases.
type FlagForm struct {
	In Releases `json:"in,omitempty"`
	// Kind is what its values are: switch (none), int, size (an int that may end in k, M and so on), float, json, text,
	// or json-or-text (text that is JSON where it stands in braces).
	Kind string `json:"kind"`
	// Words are values that it takes besides those of its kind.
	Words []string `json:"words,omitempty"`
	// Aliases are its other names, Inverses those that turn a switch off, both with their dashes. Names that vLLM hides in
	// its help are among them.
	Aliases  []string `json:"aliases,omitempty"`
	Inverses []string `json:"inverses,omitempty"`
	// Many is set where several values may follow, Optional where none need to.
	Many     bool `json:"many,omitempty"`
	Optional bool `json:"optional,omitempty"`
	// Folded is set where values may be in capitals and have - for _.
	Folded bool `json:"folded,omitempty"`
	// Pairs is set where JSON may also be key=1,other=2; vLLM warns of it.
	Pairs bool `json:"pairs,omitempty"`
	// Deprecated is set where vLLM's help says so.
	Deprecated bool `json:"deprecated,omitempty"`
	// Values says who refuses a value that is not known: the parser, or the server when it starts; empty for nobody.
	Values string `json:"values,omitempty"`
}

// VLLMMetric is one metric in all the releases that have it.
type VLLMMetric struct {
	// Name is without vllm: and, for a counter, without _total.
	Name  string       `json:"name"`
	Forms []MetricForm `json:"forms"`
}

// MetricForm is what a metric is like in some releases.
type MetricForm struct {
	In Releases `json:"in,omitempty"`
	// Kind is gauge, counter or histogram; empty where the source does not say it in one place.
	Kind string `json:"kind,omitempty"`
	// When is empty for always, hidden where only a flag brings it back, feature where it comes with a feature or connector.
	When string `json:"when,omitempty"`
	// Labels are empty where they are known only when the server runs.
	Labels []string `json:"labels,omitempty"`
}

// RenamedFlag says what to do instead of a flag that a release no longer has, or not yet. No parser tells it, so each has
// a source.
type RenamedFlag struct {
	// Flag is without dashes.
	Flag string `json:"flag"`
	// To is the flag that does the same under another name, without dashes.
	To string `json:"to,omitempty"`
	// Before is what did the same before the flag came, without dashes.
	Before string `json:"before,omitempty"`
	// Instead is what to do where no single flag does the same.
	Instead string `json:"instead,omitempty"`
	Source  string `json:"source"`
}

// Releases are some of the releases of a table, as ranges: 0.9.0..0.16.0 from the first to the last of them, 0.33.0.. to the
// newest, ..0.10.2 from the oldest, a comma between ranges, and nothing for all.
type Releases string

// Has reports whether a release of the table is among them.
func (r Releases) Has(release string, all []string) bool {
	if r == "" {
		return true
	}
	at := slices.Index(all, release)
	for part := range strings.SplitSeq(string(r), ",") {
		first, last, isRange := strings.Cut(part, "..")
		if !isRange {
			last = first
		}
		low, high := 0, len(all)-1
		if first != "" {
			low = slices.Index(all, first)
		}
		if last != "" {
			high = slices.Index(all, last)
		}
		if low >= 0 && low <= at && at <= high {
			return true
		}
	}
	return false
}

// The table is JSON, which is read ten times as fast as YAML; it is generated, and nobody writes in it.
//
//go:embed data/vllm.json
var vllmJSON []byte

var readVLLM = sync.OnceValues(func() (*VLLM, error) {
	table, err := parseVLLM(vllmJSON)
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's data/vllm.json: %w", err)
	}
	table.Renamed, err = read[RenamedFlag]("data/vllm-renamed.yaml")
	return table, err
})

// parseVLLM refuses fields that the types do not have.
func parseVLLM(data []byte) (*VLLM, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var table VLLM
	if err := decoder.Decode(&table); err != nil {
		return nil, err
	}
	return &table, nil
}

// VLLMReleases returns the table of vLLM's releases.
func VLLMReleases() (*VLLM, error) { return readVLLM() }
