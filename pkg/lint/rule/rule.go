package rule

import "github.com/kservegen/kservegen/pkg/finding"

// Rule is one thing that the API server accepts, or refuses late and in few words, and that a person should
// know before.
type Rule struct {
	Meta
	// Check reports what is wrong in a set.
	Check func(*Context)
}

// Meta describes a rule to people; the page and `explain` are made of it.
type Meta struct {
	// Code is KG, two digits of the topic, two of the rule. It never changes and is never used again.
	Code string
	// Name in words-with-dashes.
	Name string
	// Summary is one sentence.
	Summary string
	Level   finding.Level
	// Holds says for which versions of what the rule is true; empty for all.
	Holds []Range
	// Why is what happens, with the mechanism; How is what to do, and the fix of every finding.
	Why, How string
	// Refs are issues, documents and sources to read on.
	Refs []string
	// Whole is set where the rule follows from what is not in the set, so that sets of which a part could not be
	// read are left out.
	Whole bool
	// Named is set where the rule is about releases that a cluster need not run: its findings are information until
	// somebody names the versions that the rule holds for.
	Named bool
	// Refused is set where a schema or a webhook refuses every object that the rule finds something wrong with, in
	// other words and without a place.
	Refused bool
	// Kinds that the rule asks the set for.
	Kinds []Kind
}

// Topics names the two digits after KG.
func Topics() map[string]string {
	return map[string]string{
		"00": "reading, the API server and KServe",
		"01": "names and labels",
		"02": "serving with KServe",
		"03": "routing with Istio",
		"04": "mesh security",
		"05": "scaling and disruption",
		"06": "storage and credentials",
		"07": "accelerators",
		"08": "probes and lifecycle",
		"09": "Kustomize",
		"10": "across objects",
		"11": "nodes",
		"12": "load balancers and security groups",
		"13": "watching",
		"14": "copies",
		"15": "the chat's page",
	}
}

// Topic returns what a code is about.
func (m Meta) Topic() string {
	if len(m.Code) < 4 {
		return ""
	}
	return Topics()[m.Code[2:4]]
}

// Applies says whether the rule holds for versions.
func (m Meta) Applies(versions Versions) bool {
	for _, r := range m.Holds {
		if !r.contains(versions) {
			return false
		}
	}
	return true
}
