package lint

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Annotation of an object holds the codes that are not to be reported of it, with the reasons:
// "KG0203: reason; KG0304: reason".
const Annotation = "kservegen.dev/ignore"

// pages is where the rules' pages are.
const pages = "https://github.com/kservegen/kservegen/blob/main/docs/rules/"

// PageOf is the address of the page of a code.
func PageOf(code string) string { return pages + code + ".md" }

// Explanations describe every rule as other findings are described.
func Explanations() []finding.Rule {
	var list []finding.Rule
	for _, r := range All() {
		reference := PageOf(r.Code)
		for _, ref := range r.Refs {
			if link := Link(ref); strings.HasPrefix(link, "https://") {
				reference = link
				break
			}
		}
		list = append(list, finding.Rule{
			Code: r.Code, Level: r.Level, Title: strings.TrimSuffix(r.Summary, "."), Why: r.Why, Fix: r.How,
			Since: holds(r.Meta), Reference: reference,
		})
	}
	return list
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
