package envtest

import (
	"context"
	"sync"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/validate"
)

// judge says what is wrong with an object: the API server, or what is compared with it.
type judge interface {
	Verdict(ctx context.Context, object map[string]any) (api.Verdict, error)
}

var (
	_ judge = (*api.Client)(nil)
	_ judge = schemaJudge{}
	_ judge = (*validateJudge)(nil)
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

// validateJudge is what `validate` says of one object, as far as it says that the object is refused.
type validateJudge struct {
	judge *validate.Judge
	mutex sync.Mutex
	// refused are the codes that say so.
	refused map[string]bool
}

func (j *validateJudge) Verdict(ctx context.Context, object map[string]any) (api.Verdict, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	// What the rest of a tree would have to say is unknown.
	set := load.Set{Resources: []manifest.Resource{{Data: object}}, Incomplete: true}
	findings, err := j.judge.Check(ctx, set)
	if err != nil {
		return api.Verdict{}, err
	}
	verdict := api.Verdict{Accepted: true}
	for _, found := range findings {
		if found.Level == finding.Error && j.refused[found.Code] {
			verdict.Accepted = false
			verdict.Causes = append(verdict.Causes, api.Cause{Path: found.Path, Type: found.Code, Message: found.Message})
		}
	}
	return verdict, nil
}

// refusedCodes are those of findings that say that the object is refused: by a schema, by KServe's or
// istiod's webhooks, or, in words of its own, a rule.
func refusedCodes() map[string]bool {
	refused := map[string]bool{
		validate.CodeUnknownField: true, validate.CodeUnknownKind: true, validate.CodeRequired: true,
		validate.CodeInvalid: true, validate.CodeWebhook: true, validate.CodeCrash: true,
		validate.CodeIstiod: true,
	}
	for _, rule := range lint.All() {
		if rule.Refused {
			refused[rule.Code] = true
		}
	}
	return refused
}
