package validate

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
)

// Codes of this package.
const (
	CodeUnusedIgnore = "KG0009"
)

// Rules explains the codes of reading and of this package.
func Rules() []finding.Rule {
	return append(load.Rules(), finding.Rule{
		Code: CodeUnusedIgnore, Level: finding.Warning, Title: "Nothing is left to ignore",
		Why: "An exception that covers nothing hides the next finding of its code.",
		Fix: "Remove the --ignore.",
	})
}

// Ignore leaves out the findings of a code, with the reason for it.
type Ignore struct {
	Code, Reason string
}

var codePattern = regexp.MustCompile(`^KG\d{4}$`)

// ParseIgnore reads CODE=reason. The reason must be there: the next reader will ask for it.
func ParseIgnore(text string) (Ignore, error) {
	code, reason, _ := strings.Cut(text, "=")
	one := Ignore{Code: strings.TrimSpace(code), Reason: strings.TrimSpace(reason)}
	switch {
	case !codePattern.MatchString(one.Code):
		return one, fmt.Errorf("%q is no code; write CODE=reason, for example KG0203=\"the weights come from a claim\"", one.Code)
	case one.Reason == "":
		return one, fmt.Errorf("%s has no reason; write %s=reason", one.Code, one.Code)
	}
	return one, nil
}

// ignore leaves out what was asked for. Files that cannot be read are never ignored away: what they hold was
// not judged.
func ignore(findings []finding.Finding, list []Ignore) []finding.Finding {
	used := make([]bool, len(list))
	var kept []finding.Finding
	for _, f := range findings {
		ignored := false
		for i, one := range list {
			if one.Code == f.Code {
				used[i], ignored = true, f.Code != load.CodeSyntax
			}
		}
		if !ignored {
			kept = append(kept, f)
		}
	}
	for i, one := range list {
		if !used[i] {
			kept = append(kept, finding.Finding{
				Code: CodeUnusedIgnore, Level: finding.Warning,
				Message: fmt.Sprintf("--ignore %s (%s) matches no finding", one.Code, one.Reason), Fix: "Remove it.",
			})
		}
	}
	return kept
}
