package lint

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Page returns a rule's page of the documentation, in Markdown.
func Page(r rule.Rule) string {
	var page strings.Builder
	fmt.Fprintf(&page, "# %s: %s\n\n%s\n\n", r.Code, r.Name, r.Summary)
	fmt.Fprintf(&page, "| level | topic | holds for | kinds |\n|---|---|---|---|\n| %s | %s | %s | %s |\n", r.Level, r.Topic(), holds(r.Meta), kindNames(r.Meta))
	fmt.Fprintf(&page, "\n## Why\n\n%s\n\n## What to do\n\n%s\n", escape(r.Why), escape(r.How))
	fmt.Fprintf(&page, "\nTo keep it as it is, annotate the object: `%s: \"%s: reason\"`.\n", Annotation, r.Code)
	fmt.Fprint(&page, "\n## More\n\n")
	for _, ref := range r.Refs {
		if link := Link(ref); link != ref {
			fmt.Fprintf(&page, "- [%s](%s)\n", ref, link)
		} else {
			fmt.Fprintf(&page, "- %s\n", escape(ref))
		}
	}
	return page.String()
}

// PlainPage returns the page of a code that is no rule about objects: of what cannot be read, or is refused.
func PlainPage(r finding.Rule) string {
	var page strings.Builder
	fmt.Fprintf(&page, "# %s\n\n%s.\n\n", r.Code, escape(r.Title))
	fmt.Fprintf(&page, "| level | topic | holds for |\n|---|---|---|\n| %s | %s | %s |\n", r.Level, topicOf(r), cmp.Or(r.Since, "all versions"))
	fmt.Fprintf(&page, "\n## Why\n\n%s\n\n## What to do\n\n%s\n", escape(r.Why), escape(r.Fix))
	if r.Reference != "" && r.Reference != PageOf(r.Code) {
		fmt.Fprintf(&page, "\n## More\n\n- <%s>\n", r.Reference)
	}
	return page.String()
}

func topicOf(r finding.Rule) string { return rule.Meta{Code: r.Code}.Topic() }

// Index returns the page that lists all rules.
func Index(rules []finding.Rule) string {
	var page strings.Builder
	fmt.Fprint(&page, "# Rules\n\n`kservegen explain CODE` prints the same. Codes are never used again.\n")
	topic := ""
	for _, r := range rules {
		if topicOf(r) != topic {
			topic = topicOf(r)
			fmt.Fprintf(&page, "\n## %s\n\n| code | level | rule |\n|---|---|---|\n", topic)
		}
		fmt.Fprintf(&page, "| [%s](%s.md) | %s | %s |\n", r.Code, r.Code, r.Level, escape(r.Title+"."))
	}
	return page.String()
}

func kindNames(m rule.Meta) string {
	if len(m.Kinds) == 0 {
		return "all"
	}
	var names []string
	for _, kind := range m.Kinds {
		names = append(names, kind.Name())
	}
	return strings.Join(names, ", ")
}

// escape keeps placeholders such as <name> from being read as HTML.
func escape(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(parts[i])
	}
	return strings.Join(parts, "`")
}
