package validate

import (
	"fmt"
	"reflect"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/istiod"
	"github.com/kservegen/kservegen/pkg/load"
)

// byIstiod are findings about what istiod's webhook refuses, but for objects that are known to be refused: the server
// does not ask the webhook about those, or a rule says the same with the fix. It is not asked about objects as they
// stand before patches.
func (j *Judge) byIstiod(set load.Set, refused map[finding.Object]bool) []finding.Finding {
	if set.Unbuilt {
		return nil
	}
	refusals := j.istiodOf(set)
	var findings []finding.Finding
	for i, object := range set.Resources {
		for _, refusal := range refusals[i] {
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

// asked is what istiod's code said of an object. It keeps the object, and with it the address that it is known by.
type asked struct {
	data     map[string]any
	refusals []istiod.Refusal
}

// istiodOf asks about each object of a set, but for those that the last set had as well: overlays of one tree share
// most objects by their very maps.
func (j *Judge) istiodOf(set load.Set) [][]istiod.Refusal {
	all := make([][]istiod.Refusal, len(set.Resources))
	now := make(map[uintptr]asked, len(set.Resources))
	for i, object := range set.Resources {
		address := reflect.ValueOf(object.Data).Pointer()
		answer, known := j.asked[address]
		if !known {
			answer = asked{object.Data, j.istiod.Refusals(object.Data)}
		}
		all[i], now[address] = answer.refusals, answer
	}
	j.asked = now
	return all
}
