package lint

import (
	"context"
	"fmt"
	"maps"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Set is what is judged together.
type Set = rule.Set

// Versions of what runs in the cluster.
type Versions = rule.Versions

func withDefaults(given Versions) Versions {
	versions := DefaultVersions()
	maps.Copy(versions, given)
	return versions
}

// Dormant lists the codes of the rules that do not hold for the versions.
func Dormant(versions Versions) []string {
	var codes []string
	for _, r := range All() {
		if !r.Applies(withDefaults(versions)) {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

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
}

// Run judges every set by every rule that holds for the versions. Findings are in the order of their places. The
// error is that of ctx.
func Run(ctx context.Context, sets []Set, options Options) ([]finding.Finding, error) {
	rules := All()
	versions := withDefaults(options.Versions)
	var findings []finding.Finding
	for i := range sets {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("checking rules: %w", err)
		}
		index := rule.NewIndex(&sets[i])
		for r := range rules {
			if !rules[r].Applies(versions) || rules[r].Whole && sets[i].Incomplete {
				continue
			}
			c := rule.NewContext(&rules[r], index, versions)
			c.Assume(options.Versions)
			rules[r].Check(c)
			findings = append(findings, c.Findings()...)
		}
	}
	return finding.Sort(findings), nil
}
