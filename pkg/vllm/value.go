package vllm

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// What Python's int and float and vLLM's human_readable_int take. Underscores between digits are Python's.
var (
	wholeNumber = regexp.MustCompile(`^\s*[+-]?\d+(_\d+)*\s*$`)
	anyNumber   = regexp.MustCompile(`(?i)^\s*[+-]?((\d+(_\d+)*(\.\d*)?|\.\d+)(e[+-]?\d+)?|inf|infinity|nan)\s*$`)
	sizeNumber  = regexp.MustCompile(`^(\d+(\.\d+)?[kmgt]|\d+[KMGT])$`)
)

// values judges what follows a flag.
func (r *Release) values(known named, use Use) *Verdict {
	form, n := known.form, len(use.Values)
	fail := func(format string, args ...any) *Verdict {
		return &Verdict{Value, fmt.Sprintf("--%s of %s ", use.Name, r) + fmt.Sprintf(format, args...)}
	}
	switch {
	case form.Kind == "switch" && n > 0 && (!use.Next || isBool(use.Values[0])):
		return fail("is a switch and takes no value, got %q", strings.Join(use.Values, " "))
	case form.Kind == "switch":
		return nil
	case n == 0 && !form.Optional:
		return fail("wants %s", describe(form))
	case n > 1 && !form.Many:
		return fail("takes one value, got %d", n)
	}
	for _, value := range use.Values {
		if !fits(form, value) {
			return fail("wants %s, got %q", describe(form), value)
		}
		if why := r.unknownValue(known, value); why != "" && !(use.Plugins && form.Values == "server") {
			return fail("%s", why)
		}
	}
	return nil
}

// isBool reports whether a word after a switch is meant as its value; argparse takes it for the model.
func isBool(word string) bool {
	return strings.EqualFold(word, "true") || strings.EqualFold(word, "false")
}

// fits reports whether a text is of the kind.
func fits(form *catalog.FlagForm, value string) bool {
	if slices.Contains(form.Words, value) || value == "" && slices.Contains(form.Words, "None") {
		return true
	}
	switch form.Kind {
	case "int":
		return wholeNumber.MatchString(value)
	case "size":
		return wholeNumber.MatchString(value) || sizeNumber.MatchString(value)
	case "float":
		return anyNumber.MatchString(value)
	case "json":
		return json.Valid([]byte(value)) || form.Pairs && isPairs(value)
	case "json-or-text":
		text := strings.TrimSpace(value)
		return !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") || json.Valid([]byte(text))
	}
	return true
}

// isPairs reports whether a text is a=1,b=2, which vLLM made a JSON object of before 0.10: whole numbers only.
func isPairs(value string) bool {
	for item := range strings.SplitSeq(value, ",") {
		_, number, ok := strings.Cut(item, "=")
		if !ok || !wholeNumber.MatchString(number) {
			return false
		}
	}
	return true
}

// describe says what a flag takes.
func describe(form *catalog.FlagForm) string {
	text := map[string]string{
		"switch": "no value", "int": "a whole number", "size": "a whole number, which may end in k, m, g or K, M, G",
		"float": "a number", "json": "JSON", "json-or-text": "a text, JSON in braces", "text": "a value",
	}[form.Kind]
	for _, word := range form.Words {
		text += ", or " + word
	}
	if form.Many {
		text = "one or more times " + text
	}
	return text
}

// unknownValue says what is wrong with a value where the release knows all there are.
func (r *Release) unknownValue(known named, value string) string {
	if known.form.Values == "" || slices.Contains(known.form.Words, value) {
		return ""
	}
	if known.form.Folded {
		value = strings.ReplaceAll(strings.ToLower(value), "-", "_")
	}
	releases, ever := known.flag.Values[value]
	if ever && releases.Has(r.Measured, r.table.Releases) {
		return ""
	}
	if ever && r.next != "" && releases.Has(r.next, r.table.Releases) {
		return ""
	}
	text := fmt.Sprintf("has no %q", value)
	if ever {
		return text + r.history(releases)
	}
	var there []string
	for _, other := range slices.Sorted(maps.Keys(known.flag.Values)) {
		if known.flag.Values[other].Has(r.Measured, r.table.Releases) {
			there = append(there, other)
		}
	}
	return text + suggest.Word(value, there)
}

// history is when something was there that is not in this release.
func (r *Release) history(releases catalog.Releases) string {
	var in []string
	for _, release := range r.table.Releases {
		if releases.Has(release, r.table.Releases) {
			in = append(in, release)
		}
	}
	before, after := r.around(in)
	if before == "" {
		return ": it came with " + after
	}
	return ": gone since " + before
}
