package lint

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Explain returns what a rule is about, for a terminal; false for a code that there isn't.
func Explain(code string) (string, bool) {
	r, known := find(code)
	if !known {
		return "", false
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s (%s, %s)\n\n%s\n", r.Code, r.Name, r.Level, r.Topic(), wrap(r.Summary))
	fmt.Fprintf(&text, "\nWhy\n%s\n\nWhat to do\n%s\n", wrap(r.Why), wrap(r.How))
	fmt.Fprintf(&text, "\nHolds for\n  %s\n", holds(r.Meta))
	if r.Check != nil {
		fmt.Fprintf(&text, "\nTo keep it as it is, annotate the object:\n  %s: %q\n", Annotation, r.Code+": reason")
	}
	fmt.Fprint(&text, "\nMore\n")
	for _, ref := range r.Refs {
		fmt.Fprintf(&text, "  %s\n", Link(ref))
	}
	return text.String(), true
}

func find(code string) (rule.Rule, bool) {
	for _, r := range All() {
		if strings.EqualFold(r.Code, code) {
			return r, true
		}
	}
	return rule.Rule{}, false
}

func holds(m rule.Meta) string {
	if len(m.Holds) == 0 {
		return "all versions"
	}
	var ranges []string
	for _, r := range m.Holds {
		ranges = append(ranges, r.String())
	}
	return strings.Join(ranges, ", ")
}

// Link turns a reference to an issue, such as kserve#5335 or owner/repository#1, into its address. Others stay
// as they are.
func Link(ref string) string {
	repository, number, found := strings.Cut(ref, "#")
	if !found || strings.Trim(number, "0123456789") != "" || strings.Contains(repository, " ") {
		return ref
	}
	owners := map[string]string{
		"kserve": "kserve/kserve", "istio": "istio/istio", "kustomize": "kubernetes-sigs/kustomize",
	}
	if owner := owners[repository]; owner != "" {
		repository = owner
	}
	return fmt.Sprintf("https://github.com/%s/issues/%s", repository, number)
}

// width of the text, with its margin.
const width = 100

func wrap(text string) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
			out.WriteString("  ")
			column = 2
		case column+1+len(word) > width:
			out.WriteString("\n  ")
			column = 2
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	return out.String()
}
