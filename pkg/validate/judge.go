package validate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/istiod"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
)

// Judge is the Check of this tool: what the API server refuses by its schemas, what Istio's own code refuses, what
// KServe's refuses or makes of it, and the rules about all.
type Judge struct {
	catalog   *schema.Catalog
	effective *effective.Builder
	istiod    *istiod.Validator
	versions  lint.Versions
	last      remembered
	asked     map[uintptr]asked
}

// JudgeOptions choose what a Judge knows.
type JudgeOptions struct {
	// Releases of the products whose schemas are used, by product; a missing one is the newest.
	Releases schema.Versions
	// Versions that rules hold for.
	Versions lint.Versions
	// WithoutEffective leaves KServe's code out, and with it the rules about what KServe makes.
	WithoutEffective bool
}

// NewJudge returns a Judge. It is not safe for concurrent use.
func NewJudge(o JudgeOptions) (*Judge, error) {
	catalog, err := schema.New(o.Releases)
	if err != nil {
		return nil, err
	}
	j := &Judge{catalog: catalog, istiod: istiod.New(), versions: o.Versions}
	if !o.WithoutEffective {
		j.effective, err = effective.New(effective.Options{Structural: Structural(catalog)})
	}
	return j, err
}

// Structural gives KServe's webhooks what they see in a cluster: objects with the defaults of their schema.
func Structural(catalog *schema.Catalog) func(apiVersion, kind string, data map[string]any) (map[string]any, error) {
	return func(apiVersion, kind string, data map[string]any) (map[string]any, error) {
		if !catalog.Known(apiVersion, kind) {
			return data, nil
		}
		return catalog.Default(data)
	}
}

// Check implements Check.
func (j *Judge) Check(ctx context.Context, set load.Set) ([]finding.Finding, error) {
	effect, err := j.effect(ctx, set)
	if err != nil {
		return nil, err
	}
	findings, refused, meant, err := j.schemas(ctx, set, effect)
	if err != nil {
		return nil, err
	}
	rules := lint.Set{
		Name: set.Name, Resources: meant, Kustomizations: set.Kustomizations, Patches: set.Patches,
		Incomplete: set.Incomplete, Loose: set.Loose,
	}
	if rules.Effective, err = j.madeOf(ctx, set, meant, effect); err != nil {
		return nil, err
	}
	found, err := lint.Run(ctx, []lint.Set{rules}, lint.Options{Versions: j.versions})
	if err != nil {
		return nil, err
	}
	findings = append(findings, found...)
	explained := maps.Clone(refused)
	byWebhook := refusedByRule()
	for _, f := range found {
		if f.Level == finding.Error {
			// A rule knows the line and the fix; what KServe's controller says of the same object would say it again.
			// A webhook's refusal is more than what most rules say.
			explained[f.Object] = true
			refused[f.Object] = refused[f.Object] || byWebhook[f.Code]
		}
	}
	findings = append(findings, j.byIstiod(set, refused)...)
	if effect == nil {
		return findings, nil
	}
	unmade, err := j.unmade(ctx, effect)
	if err != nil {
		return nil, err
	}
	unmade = slices.DeleteFunc(unmade, func(f finding.Finding) bool { return explained[f.Object] })
	return slices.Concat(findings, refusals(set, effect, refused, explained), unmade), nil
}

// schemas also returns the objects that the API server refuses by their schema, so that nobody says it twice, and what
// the objects were meant to be, which is the set's own list where nothing is to be said.
func (j *Judge) schemas(ctx context.Context, set load.Set, effect *effective.Effect) ([]finding.Finding, map[finding.Object]bool, []manifest.Resource, error) {
	var findings []finding.Finding
	meant := set.Resources
	refused := map[finding.Object]bool{}
	for i, object := range set.Resources {
		problems, err := j.problems(ctx, object, effect)
		switch {
		case errors.Is(err, schema.ErrForeign):
			findings = append(findings, At(object, Problem{
				Code: CodeForeign, Level: finding.Info, Path: "/apiVersion",
				Message: fmt.Sprintf("nothing is known of %s; the object was not checked against a schema", object.APIVersion()),
			}))
		case err != nil:
			return nil, nil, nil, err
		}
		if err == nil && schemaOnly(object) {
			findings = append(findings, At(object, Problem{
				Code: CodeSchemaOnly, Level: finding.Info, Path: "/kind", Message: object.Kind() + " is checked by its schema only",
			}))
		}
		if set.Unbuilt { // a patch or a transformer may be what sets it
			problems = slices.DeleteFunc(slices.Clone(problems), func(p schema.Problem) bool { return !p.Decoding })
		}
		if len(problems) == 0 {
			continue
		}
		said, err := j.say(ctx, object, problems)
		if err != nil {
			return nil, nil, nil, err
		}
		refused[At(object, Problem{}).Object] = true
		findings = append(findings, said.findings...)
		if !sameData(said.meant, object) {
			if &meant[0] == &set.Resources[0] {
				meant = slices.Clone(meant)
			}
			meant[i] = said.meant
		}
	}
	return findings, refused, meant, nil
}

// remembered is what KServe makes of the last set. Overlays of one tree share most objects by their very maps, and
// keeping those keeps their addresses.
type remembered struct {
	inputs []manifest.Resource
	effect *effective.Effect
}

// read by KServe's code, besides what has these kinds' groups.
func readByKServe() []string {
	return append(judgedByKServe(),
		"ServingRuntime", "ClusterServingRuntime", "ClusterStorageContainer",
		"Secret", "ServiceAccount", "ConfigMap", "Namespace", "PersistentVolumeClaim",
	)
}

// judgedByKServe are kinds for which KServe's code is run; a runtime alone is not worth it.
func judgedByKServe() []string {
	return []string{"InferenceService", "InferenceGraph", "LLMInferenceService", "LLMInferenceServiceConfig", "LocalModelCache", "TrainedModel"}
}

// effect is nil where there is nothing for KServe to do.
func (j *Judge) effect(ctx context.Context, set load.Set) (*effective.Effect, error) {
	var inputs []manifest.Resource
	judged := false
	for _, object := range set.Resources {
		if slices.Contains(readByKServe(), object.Kind()) {
			inputs = append(inputs, object)
			judged = judged || slices.Contains(judgedByKServe(), object.Kind())
		}
	}
	if j.effective == nil || !judged {
		return nil, nil
	}
	if slices.EqualFunc(inputs, j.last.inputs, sameData) {
		return j.last.effect, nil
	}
	effect, err := j.effective.Of(ctx, inputs)
	if err != nil {
		return nil, fmt.Errorf("running KServe's code on %s: %w", set.Name, err)
	}
	j.last = remembered{inputs, effect}
	return effect, nil
}

// schemaOnly says whether KServe's code judges a kind in a cluster and is not run on it here: there it asks for nodes and
// their groups.
func schemaOnly(object manifest.Resource) bool {
	return strings.HasPrefix(object.APIVersion(), "serving.kserve.io/") &&
		slices.Contains([]string{"LocalModelNamespaceCache", "LocalModelNode"}, object.Kind())
}

func sameData(a, b manifest.Resource) bool {
	return reflect.ValueOf(a.Data).Pointer() == reflect.ValueOf(b.Data).Pointer()
}

func objectsOf(effect *effective.Effect) []manifest.Resource {
	var objects []manifest.Resource
	for _, service := range effect.Services {
		for _, object := range slices.Concat(service.Objects, service.Pods) {
			objects = append(objects, manifest.Resource{Data: object.Data})
		}
	}
	return objects
}
