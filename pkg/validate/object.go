package validate

import (
	"context"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// Problem is what is wrong with one object.
type Problem struct {
	Code  string
	Level finding.Level
	// Path is an RFC 6901 pointer to the value, or to where it is missing.
	Path         string
	Message, Fix string
}

// PerObject is a Check of each object by itself.
func PerObject(judge func(ctx context.Context, object manifest.Resource) ([]Problem, error)) Check {
	return Func(func(ctx context.Context, set load.Set) ([]finding.Finding, error) {
		var findings []finding.Finding
		for _, object := range set.Resources {
			problems, err := judge(ctx, object)
			if err != nil {
				return nil, err
			}
			for _, p := range problems {
				findings = append(findings, At(object, p))
			}
		}
		return findings, nil
	})
}

// At is the finding of a problem, at its place in the object's files.
func At(object manifest.Resource, p Problem) finding.Finding {
	place := object.At(p.Path)
	return finding.Finding{
		Code: p.Code, Level: p.Level, Path: p.Path, Message: p.Message, Fix: p.Fix,
		File: place.File, Line: place.Line, Column: place.Column,
		Object: finding.Object{
			APIVersion: object.APIVersion(), Kind: object.Kind(), Namespace: object.Namespace(), Name: object.Name(),
		},
	}
}
