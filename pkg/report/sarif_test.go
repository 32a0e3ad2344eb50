package report_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/report"
	"github.com/kservegen/kservegen/pkg/validate"
)

// TestEveryCodeInSARIF writes a finding of each code and asks the standard's schema; a rule's help is a page to open.
func TestEveryCodeInSARIF(t *testing.T) {
	t.Parallel()
	r := report.Report{Rules: validate.Rules(), Version: "v0.0.0"}
	for _, rule := range r.Rules {
		r.Findings = append(r.Findings, finding.Finding{
			Code: rule.Code, Level: rule.Level, File: "deploy/a.yaml", Line: 3, Column: 5, Path: "/spec/a~1b", Message: "is wrong",
			Object: finding.Object{APIVersion: "v1", Kind: "Service", Namespace: "llm", Name: "a"}, Fix: rule.Fix,
		})
	}
	var out bytes.Buffer
	require.NoError(t, report.SARIF{}.Write(&out, r))

	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	require.NoError(t, sarifSchema(t).Validate(document))
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct{ ID, HelpURI string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
			}
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &log))
	rules := log.Runs[0].Tool.Driver.Rules
	require.Len(t, rules, len(validate.Rules()))
	require.Len(t, log.Runs[0].Results, len(rules))
	for _, rule := range rules {
		assert.Regexp(t, `^https://[a-z.]+/[^ ]+$`, rule.HelpURI, rule.ID)
	}
	for _, result := range log.Runs[0].Results {
		assert.Equal(t, result.RuleID, rules[result.RuleIndex].ID)
	}
}
