package validate

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/schema"
)

// Codes of what the API server, KServe and istiod refuse.
const (
	CodeUnknownField = "KG0020"
	CodeUnknownKind  = "KG0021"
	CodeRequired     = "KG0022"
	CodeInvalid      = "KG0023"
	CodeForeign      = "KG0024"
	CodeSchemaOnly   = "KG0026"
	CodeWebhook      = "KG0030"
	CodeController   = "KG0031"
	CodeCrash        = "KG0032"
	CodeIstiod       = "KG0033"
)

func judgeRules() []finding.Rule {
	return []finding.Rule{
		{
			Code: CodeUnknownField, Level: finding.Error, Title: "Every field is known",
			Why: "The API server drops unknown fields, or refuses the object where the client asks for strict validation, as kubectl and Flux do: what it was to do does not happen.",
			Fix: "Correct the name, or remove the field.",
		},
		{
			Code: CodeUnknownKind, Level: finding.Error, Title: "The kind exists in its group and version",
			Why: "An API server with the chosen releases does not serve it, and refuses the object.",
			Fix: "Correct apiVersion or kind, or choose the release that the cluster has (--kserve-version and the like).",
		},
		{
			Code: CodeRequired, Level: finding.Error, Title: "Required fields are there",
			Why: "The API server refuses the object.", Fix: "Add the field.",
		},
		{
			Code: CodeInvalid, Level: finding.Error, Title: "Values are valid",
			Why: "The API server refuses the object: by its schema, its rules (CEL) or its own checks.", Fix: "Correct the value.",
		},
		{
			Code: CodeForeign, Level: finding.Info, Title: "The kind's schema is known",
			Why: "Nothing is known of this API group, so the object was not checked against a schema.",
			Fix: "Nothing to do; apply it with --dry-run=server where its definition is installed.",
		},
		{
			Code: CodeSchemaOnly, Level: finding.Info, Title: "More than the schema of the kind is checked",
			Why: "KServe's code for this kind asks for nodes and node groups of the cluster, so only the schema was checked.",
			Fix: "Nothing to do; apply it with --dry-run=server, and look at its status.",
		},
		{
			Code: CodeWebhook, Level: finding.Error, Title: "KServe's webhooks accept the object",
			Why: "KServe's own code, run in memory, refuses it; in the cluster the API server refuses the object with the same words.",
			Fix: "Do what the message says.", Since: "KServe 0.20",
		},
		{
			Code: CodeController, Level: finding.Error, Title: "KServe's controller can build the service",
			Why: "The API server accepts the object, and KServe's controller then fails to make a Deployment of it, again and again. The InferenceService is never ready.",
			Fix: "Do what the message says.", Since: "KServe 0.20",
		},
		{
			Code: CodeCrash, Level: finding.Error, Title: "Neither KServe nor istiod crashes on the object",
			Why: "KServe's or Istio's own code panics on it. In the cluster the webhook answers with an error, or the controller retries for ever.",
			Fix: "Change what the message names; the upstream code does not expect it.", Since: "KServe 0.20",
		},
		{
			Code: CodeIstiod, Level: finding.Error, Title: "istiod's webhook accepts the object",
			Why: "Istio's own code, run in memory, refuses it; in the cluster the API server refuses the object with the same words. EnvoyFilters are not judged.",
			Fix: "Do what the message says.", Since: "Istio 1.31",
		},
	}
}

func ruleOf(code string) finding.Rule {
	rules := judgeRules()
	return rules[slices.IndexFunc(rules, func(r finding.Rule) bool { return r.Code == code })]
}

// messageOf begins with the field in the server's own form; a value that is missing has no place of its own.
func messageOf(problem schema.Problem) string {
	if problem.Field == "" || problem.Field == "<nil>" || strings.Contains(problem.Message, problem.Field) {
		return problem.Message
	}
	return problem.Field + ": " + problem.Message
}

// codeOf maps the server's types of errors. Not found is a kind, and also a volume that a container mounts.
func codeOf(problem schema.Problem) string {
	switch problem.Type {
	case schema.UnknownField:
		return CodeUnknownField
	case "FieldValueNotFound":
		if problem.Path == "/apiVersion" || problem.Path == "/kind" {
			return CodeUnknownKind
		}
		return CodeInvalid
	case "FieldValueRequired":
		return CodeRequired
	}
	return CodeInvalid
}

// refusedByRule are the codes of rules that say what a webhook would.
func refusedByRule() map[string]bool {
	codes := map[string]bool{}
	for _, rule := range lint.All() {
		if rule.Refused {
			codes[rule.Code] = true
		}
	}
	return codes
}
