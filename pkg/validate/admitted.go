package validate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
)

// problems of an InferenceService are those that KServe's defaulting webhook leaves. It writes the object anew out of
// Go types, where a text that is missing is an empty one, before the server looks at the schema; only what strict
// decoding finds is refused before.
func (j *Judge) problems(ctx context.Context, object manifest.Resource, effect *effective.Effect) ([]schema.Problem, error) {
	problems, err := j.catalog.Validate(ctx, object.Data)
	if err != nil || len(problems) == 0 {
		return problems, err
	}
	defaulted := defaultedOf(effect, object)
	if defaulted == nil {
		return problems, nil
	}
	left, err := j.catalog.Validate(ctx, defaulted)
	if err != nil {
		return nil, err
	}
	left = slices.Clone(left) // what the catalog returns is shared
	for _, problem := range problems {
		if problem.Decoding {
			left = append(left, problem)
		}
	}
	return left, nil
}

// defaultedOf is nil where KServe's defaulting webhook does not hand the object on.
func defaultedOf(effect *effective.Effect, object manifest.Resource) map[string]any {
	if effect != nil {
		for _, result := range effect.Services {
			if sameData(result.InferenceService, object) {
				return result.Defaulted
			}
		}
	}
	return nil
}

// unmade are the objects that KServe's controller would write and the API server refuses, as findings at their
// InferenceServices.
func (j *Judge) unmade(ctx context.Context, effect *effective.Effect) ([]finding.Finding, error) {
	var findings []finding.Finding
	for _, service := range effect.Services {
		for _, object := range service.Objects {
			problems, err := j.catalog.Validate(ctx, withoutOwners(object.Data))
			if errors.Is(err, schema.ErrForeign) || err == nil && len(problems) == 0 {
				continue
			}
			if err != nil {
				return nil, err
			}
			findings = append(findings, At(service.InferenceService, Problem{
				Code: CodeController, Level: finding.Error, Path: pathOfName,
				Message: fmt.Sprintf("the API server refuses the %v that KServe makes of it: %s", object.Data["kind"], messageOf(problems[0])),
			}))
		}
	}
	return findings, nil
}

// withoutOwners leaves out what names an object by a uid that only a cluster knows.
func withoutOwners(data map[string]any) map[string]any {
	meta, _ := data["metadata"].(map[string]any)
	data, meta = maps.Clone(data), maps.Clone(meta)
	delete(meta, "ownerReferences")
	data["metadata"] = meta
	return data
}

func anyOf(objects map[finding.Object]bool) bool {
	for _, is := range objects {
		if is {
			return true
		}
	}
	return false
}
