package validate

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/istiod"
	"github.com/kservegen/kservegen/pkg/load"
)

// byIstiod are findings about what istiod's webhook refuses, but for objects that are known to be refused: the server
// does not ask the webhook about those, or a rule says the same with the fix.
func (j *Judge) byIstiod(set load.Set, refused map[finding.Object]bool) []finding.Finding {
	var findings []finding.Finding
	for _, object := range set.Resources {
		for _, refusal := range j.istiod.Refusals(object.Data) {
			found := At(object, Problem{
				Code: CodeIstiod, Level: finding.Error, Path: refusal.Path,
				Message: fmt.Sprintf("%s refuses it: %s", istiod.Webhook, refusal.Message),
			})
			if refusal.Panicked {
				found.Code = CodeCrash
			}
			if !refused[found.Object] {
				findings = append(findings, found)
			}
		}
	}
	return findings
}
