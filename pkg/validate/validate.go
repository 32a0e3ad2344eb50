package validate

import (
	"context"
	"fmt"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/report"
)

// Check judges one set. What is wrong with the set is a finding; an error means that the check itself failed.
// It must not change the set, whose data other sets share.
type Check interface {
	Check(ctx context.Context, set load.Set) ([]finding.Finding, error)
}

// Func is a Check that is a function.
type Func func(ctx context.Context, set load.Set) ([]finding.Finding, error)

// Check implements Check.
func (f Func) Check(ctx context.Context, set load.Set) ([]finding.Finding, error) { return f(ctx, set) }

// Options of a run.
type Options struct {
	Load load.Options
	// Checks in the order in which they see each set.
	Checks []Check
	// Ignore leaves out findings.
	Ignore []Ignore
	// Rules explain the codes of the checks.
	Rules []finding.Rule
	// FailOn is the level from which on a finding fails the run.
	FailOn  finding.Level
	Version string
}

// Run validates the paths. Sets are read one after the other and not kept. An error is that of ctx, or of a check
// that could not do its work.
func Run(ctx context.Context, paths []string, o Options) (report.Report, error) {
	r := report.Report{Rules: append(Rules(), o.Rules...), FailOn: o.FailOn, Version: o.Version}
	var findings []finding.Finding
	read, err := load.Each(ctx, paths, o.Load, func(set load.Set) error {
		r.Sets = append(r.Sets, report.Set{Name: set.Name, Kind: string(set.Kind), Objects: len(set.Resources)})
		for _, check := range o.Checks {
			found, err := check.Check(ctx, set)
			if err != nil {
				return fmt.Errorf("checking %s: %w", set.Name, err)
			}
			for i := range found {
				if found[i].Set == "" && set.Name != found[i].File {
					found[i].Set = set.Name
				}
			}
			findings = append(findings, found...)
		}
		return nil
	})
	if err != nil {
		return report.Report{}, err
	}
	r.Findings = finding.Sort(ignore(append(read, findings...), o.Ignore))
	return r, nil
}
