package plan

import (
	"fmt"

	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Case is a revision of a document in the environments that plan it alike.
type Case struct {
	Environments []string
	Revision     string
	Model        Model
	Settings     sizing.Settings
}

// Skipped is a revision that is not planned, and why.
type Skipped struct{ Environment, Revision, Why string }

// OfDocument lists what a document runs, in the order of its environments; environment, where it is given, keeps one.
func OfDocument(d *spec.Deployment, environment string, find Find) (cases []Case, skipped []Skipped, err error) {
	known := false
	for _, target := range d.Environments {
		if environment != "" && target.Environment != environment {
			continue
		}
		known = true
		for _, revision := range target.Revisions {
			c, why, err := ofRevision(d.Name, revision, find)
			switch {
			case err != nil:
				return nil, nil, fmt.Errorf("%s, environment %s, revision %s: %w", d.File, target.Environment, revision.Name, err)
			case why != "":
				skipped = append(skipped, Skipped{target.Environment, revision.Name, why})
			default:
				cases = addCase(cases, c, target.Environment)
			}
		}
	}
	if !known {
		return nil, nil, fmt.Errorf("%s has no environment %q", d.File, environment)
	}
	return cases, skipped, nil
}

// addCase joins environments whose settings are the same.
func addCase(cases []Case, c Case, environment string) []Case {
	for i, other := range cases {
		if other.Revision == c.Revision && other.Model.Name == c.Model.Name && other.Model.Weights == c.Model.Weights && other.Settings == c.Settings {
			cases[i].Environments = append(cases[i].Environments, environment)
			return cases
		}
	}
	c.Environments = []string{environment}
	return append(cases, c)
}

// ofRevision turns a revision into settings; why says that there is nothing to plan.
func ofRevision(name string, r spec.RevisionTarget, find Find) (c Case, why string, err error) {
	if !r.Runtime.OnGPU() {
		return c, fmt.Sprintf("the memory model is of vLLM on GPUs; runtime %s is something else", r.Runtime.Name), nil
	}
	id := r.Model.ID
	if id == "" {
		id = name
	}
	if c.Model, err = find(id); err != nil {
		return c, "", err
	}
	c.Revision = r.Name
	if c.Settings, err = r.Sizing(); err != nil {
		return c, "", err
	}
	c.Model.Weights = r.Model.Weigh(c.Model.Weights)
	return c, "", nil
}
