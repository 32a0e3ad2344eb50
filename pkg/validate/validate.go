package validate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
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
	// Suppress leaves out findings, besides those that annotations of the objects suppress.
	Suppress []Suppression
	// Dormant are codes that do not hold for the versions; suppressing them is not unused.
	Dormant []string
	// FailOn is the level from which on a finding fails the run.
	FailOn  finding.Level
	Version string
}

// Run validates the paths. Sets are read one after the other and not kept. An error is that of ctx, or of a check
// that could not do its work.
func Run(ctx context.Context, paths []string, o Options) (report.Report, error) {
	r := report.Report{Rules: Rules(), FailOn: o.FailOn, Version: o.Version}
	quiet := newSuppressor(r.Rules, o.Dormant, o.Suppress)
	var findings []finding.Finding
	read, err := load.Each(ctx, paths, o.Load, func(set load.Set) error {
		r.Sets = append(r.Sets, report.Set{Name: set.Name, Kind: string(set.Kind), Objects: len(set.Resources)})
		for _, check := range o.Checks {
			found, err := check.Check(ctx, set)
			if err != nil {
				return fmt.Errorf("checking %s: %w", set.Name, err)
			}
			for i := range found {
				if found[i].Set = set.Name; set.Name == found[i].File {
					found[i].Set = ""
				}
			}
			findings = append(findings, quiet.filter(set, found)...)
		}
		return nil
	})
	if err != nil {
		return report.Report{}, err
	}
	findings = append(findings, quiet.filter(load.Set{}, read)...)
	r.Findings = finding.Sort(append(findings, quiet.findings()...))
	return r, nil
}

// Rules explains every code that a run can report, in their order. One without a source of its own refers to its page.
func Rules() []finding.Rule {
	rules := slices.Concat(load.Rules(), suppressionRules(), judgeRules(), serverRules(), lint.Explanations())
	slices.SortFunc(rules, func(a, b finding.Rule) int { return cmp.Compare(a.Code, b.Code) })
	for i, rule := range rules {
		if rule.Reference == "" {
			rules[i].Reference = lint.PageOf(rule.Code)
		}
	}
	return rules
}
