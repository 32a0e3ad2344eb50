package cases

import (
	"context"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// Mistake is one that a person makes. A check that doesn't notice it proves nothing.
type Mistake struct {
	Name string
	// Make makes it, in the cluster or in a copy of the tree that it puts in the environment's place. Mend undoes it.
	Make func(context.Context, *Env) error
	// Noticed are the checks that must fail then, as CASE/CHECK.
	Noticed []string
	// Says is a part of what they then say, where they might fail for another reason.
	Says string
}

// Mistakes are all that the suite makes. The rest of the checks have their negative half in themselves, or count
// what is lost.
func Mistakes() []Mistake {
	return []Mistake{
		{Name: "other weights", Make: otherWeights, Noticed: []string{"canary/weights"}},
		{Name: "no rule for testers", Make: withoutRules("testers"), Noticed: []string{"canary/testers"}},
		{Name: "no rules for buckets", Make: withoutRules("sticky"), Noticed: []string{"canary/sticky"}},
		{Name: "no time to end", Make: withoutGrace, Noticed: []string{"shift/rolling update"}},
		{Name: "generous disruption budgets", Make: withGenerousBudgets, Noticed: []string{"shift/drain"}},
		{Name: "no outlier detection", Make: withoutEjection, Noticed: []string{"faults/ejection"}},
		{Name: "permissive", Make: permissive, Noticed: []string{"mtls/plaintext"}},
		{Name: "callers without TLS", Make: callersWithoutTLS, Noticed: []string{"mtls/caller"}},
		{Name: "TLS for nobody", Make: withoutTLS, Noticed: []string{"mtls/identity"}},
		{Name: "open to all", Make: openToAll, Noticed: []string{"authorization/others", "authorization/caller", "authorization/gateway"}},
		{Name: "monitoring shut out", Make: withoutMonitoring, Noticed: []string{"authorization/metrics"}},
		{Name: "no network policies", Make: withoutNetworkPolicies, Noticed: []string{"network/stranger", "network/metrics", "network/egress"}},
	}
}

// customize puts a copy of the tree in the tree's place, with patches in its component custom/, and applies it.
func (e *Env) customize(ctx context.Context, patches ...tree.Patch) error {
	custom, err := e.customized(patches...)
	if err != nil {
		return err
	}
	e.Tree = custom.Tree
	return e.Apply(ctx, e.Tree.Dir)
}

// customized is the environment with such a copy in the tree's place, which is not applied.
func (e *Env) customized(patches ...tree.Patch) (*Env, error) {
	copied, err := e.copied(e.Temporary())
	if err != nil {
		return nil, err
	}
	own := *e
	own.Tree, err = copied.Customize(patches...)
	return &own, err
}

// Find returns the check of that name as CASE/CHECK.
func Find(name string) (Check, bool) {
	for _, c := range append(All(), Scaling(), KEDA(), Chat()) {
		for _, check := range c.Checks {
			if c.Name+"/"+check.Name == name {
				return check, true
			}
		}
	}
	return Check{}, false
}
