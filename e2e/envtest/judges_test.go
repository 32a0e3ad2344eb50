package envtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
)

// judge says what is wrong with an object: the API server, or what is compared with it.
type judge interface {
	Verdict(ctx context.Context, object map[string]any) (api.Verdict, error)
}

var (
	_ judge = (*api.Client)(nil)
	_ judge = schemaJudge{}
	_ judge = validateJudge{}
)

// schemaJudge is pkg/schema.
type schemaJudge struct{ catalog *schema.Catalog }

// Verdict refuses what has problems. A group without a schema is no verdict: the server has it.
func (j schemaJudge) Verdict(ctx context.Context, object map[string]any) (api.Verdict, error) {
	problems, err := j.catalog.Validate(ctx, object)
	if err != nil {
		return api.Verdict{}, err
	}
	verdict := api.Verdict{Accepted: len(problems) == 0}
	for _, problem := range problems {
		verdict.Causes = append(verdict.Causes, api.Cause{Path: problem.Field, Type: problem.Type, Message: problem.Message})
	}
	return verdict, nil
}

// validateJudge is what `validate` says of one object, as far as it says that the object is refused: its
// schema, KServe's webhooks, and the rules about what istiod refuses.
type validateJudge struct {
	schemaJudge
	builder *effective.Builder
	// refused are the codes of those rules.
	refused map[string]bool
}

func (j validateJudge) Verdict(ctx context.Context, object map[string]any) (api.Verdict, error) {
	verdict, err := j.schemaJudge.Verdict(ctx, object)
	if err != nil {
		return verdict, err
	}
	resources := []manifest.Resource{{Data: object}}
	effect, err := j.builder.Of(ctx, resources)
	if err != nil {
		return verdict, err
	}
	for _, refusal := range atAdmission(effect) {
		verdict.Causes = append(verdict.Causes, api.Cause{Type: api.Webhook, Message: refusal.Message})
	}
	findings, err := lint.Run(ctx, []lint.Set{{Resources: resources, Incomplete: true}}, lint.Options{})
	if err != nil {
		return verdict, err
	}
	for _, found := range findings {
		if found.Level == finding.Error && j.refused[found.Code] {
			verdict.Causes = append(verdict.Causes, api.Cause{Type: found.Code, Message: found.Message})
		}
	}
	verdict.Accepted = len(verdict.Causes) == 0
	return verdict, nil
}

// atAdmission are the refusals that a client sees. The controller's come later, and the pods' webhook never sees
// an InferenceService.
func atAdmission(effect *effective.Effect) []effective.Refusal {
	all := effect.Refused
	for _, service := range effect.Services {
		all = append(all, service.Refused...)
	}
	var kept []effective.Refusal
	for _, refusal := range all {
		if strings.HasSuffix(refusal.By, ".validator") || strings.HasSuffix(refusal.By, ".defaulter") || refusal.By == "types" {
			kept = append(kept, refusal)
		}
	}
	return kept
}

// structural fills in a schema's defaults, as the server does before it asks a webhook.
func structural(catalog *schema.Catalog) func(apiVersion, kind string, data map[string]any) (map[string]any, error) {
	return func(apiVersion, kind string, data map[string]any) (map[string]any, error) {
		defaulted, err := catalog.Default(data)
		if errors.Is(err, schema.ErrForeign) {
			return data, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the defaults of %s %s: %w", apiVersion, kind, err)
		}
		return defaulted, nil
	}
}
