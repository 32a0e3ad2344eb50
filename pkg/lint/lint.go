package lint

import (
	"context"
	"fmt"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Set is what is judged together.
type Set = rule.Set

// Versions of what runs in the cluster.
type Versions = rule.Versions

// DefaultVersions are the newest releases that the rules were checked against.
func DefaultVersions() Versions {
	return Versions{
		rule.KServe: {Minor: 20}, rule.Istio: {Major: 1, Minor: 31}, rule.Kubernetes: {Major: 1, Minor: 36},
	}
}

// Options of a run.
type Options struct {
	// Versions default to DefaultVersions, each for itself.
	Versions Versions
	// Suppress are the suppressions of the command line.
	Suppress []Suppression
}

// Run judges every set by every rule that holds for the versions. Findings are in the order of their places; what
// is suppressed is left out, and a suppression that suppresses nothing is a finding itself. The error is that of ctx.
func Run(ctx context.Context, sets []Set, options Options) ([]finding.Finding, error) {
	findings, _, err := judge(ctx, sets, options)
	return findings, err
}

// Fixes returns the mechanical fixes of what Run finds, for Apply.
func Fixes(ctx context.Context, sets []Set, options Options) ([]rule.Edit, error) {
	_, edits, err := judge(ctx, sets, options)
	return edits, err
}

func judge(ctx context.Context, sets []Set, options Options) ([]finding.Finding, []rule.Edit, error) {
	rules := All()
	versions := DefaultVersions()
	for product, version := range options.Versions {
		versions[product] = version
	}
	quiet := newSuppressor(rules, versions, options.Suppress)
	var findings []finding.Finding
	var edits []rule.Edit
	for i := range sets {
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("checking rules: %w", err)
		}
		index := rule.NewIndex(&sets[i])
		quiet.read(index)
		for r := range rules {
			if rules[r].Check == nil || !rules[r].Applies(versions) || rules[r].Whole && sets[i].Incomplete {
				continue
			}
			c := rule.NewContext(&rules[r], index, versions)
			rules[r].Check(c)
			found, fixes := quiet.filter(c)
			findings, edits = append(findings, found...), append(edits, fixes...)
		}
	}
	return finding.Sort(append(findings, quiet.findings()...)), edits, nil
}
