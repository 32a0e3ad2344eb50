package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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

// Sources are where the plan of a document finds what the document does not say.
type Sources struct {
	Find   Find
	Pinned Pinned
}

// Pinned gives the version that a runtime of the catalogue pins.
type Pinned func(runtime string) (string, error)

// OfDocument lists what a document runs, in the order of its environments; environment, where it is given, keeps one.
func OfDocument(d *spec.Deployment, environment string, from Sources) (cases []Case, skipped []Skipped, err error) {
	known := false
	for _, target := range d.Environments {
		if environment != "" && target.Environment != environment {
			continue
		}
		known = true
		for _, revision := range target.Revisions {
			c, why, err := ofRevision(d.Name, revision, from)
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
func ofRevision(name string, r spec.RevisionTarget, from Sources) (c Case, why string, err error) {
	if r.Runtime.Name != "vllm-cuda" && r.Runtime.Name != "vllm-rocm" {
		return c, fmt.Sprintf("the memory model is of vLLM on GPUs; runtime %s is something else", r.Runtime.Name), nil
	}
	id := r.Model.ID
	if id == "" {
		id = name
	}
	if c.Model, err = from.Find(id); err != nil {
		return c, "", err
	}
	c.Revision = r.Name
	if c.Settings, err = settingsOf(r, from.Pinned); err != nil {
		return c, "", err
	}
	measured(&c, r.Model.Measured)
	return c, "", nil
}

func settingsOf(r spec.RevisionTarget, pinned Pinned) (sizing.Settings, error) {
	s := sizing.Settings{GPU: r.Accelerator.GPU(), TensorParallel: int64(r.TensorParallel), MaxModelLen: int64(r.MaxModelLen)}
	version, err := versionOf(r.Runtime, pinned)
	if err != nil {
		return s, err
	}
	if s.Version, err = sizing.ParseVersion(version); err != nil {
		return s, fmt.Errorf("%w; --vllm-version says which one it is", err)
	}
	for _, flag := range slices.Sorted(maps.Keys(r.Args)) {
		if err := s.ApplyFlag(flag, argText(r.Args[flag])); err != nil {
			return s, err
		}
	}
	return s, nil
}

// measured puts what a server logged in the place of estimates; the document was checked.
func measured(c *Case, m *spec.Measured) {
	if m == nil {
		return
	}
	bytes := func(text spec.Text) float64 {
		n, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return 0
		}
		return n * (1 << 30)
	}
	c.Model.Weights.MeasuredBytes = bytes(m.WeightsGiB)
	c.Settings.OtherBytes = int64(bytes(m.OtherGiB))
}

func argText(a spec.Arg) string {
	if a.Bool != nil {
		return fmt.Sprint(*a.Bool)
	}
	return a.String()
}

// versionOf is the tag of the image that runs.
func versionOf(r spec.Runtime, pinned Pinned) (string, error) {
	switch {
	case r.Version != "":
		return r.Version, nil
	case r.Image != "":
		name, _, _ := strings.Cut(r.Image, "@")
		return name[strings.LastIndex(name, ":")+1:], nil
	}
	return pinned(r.Name)
}
