package load_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/load"
)

func TestKeysThatAreReadAsBooleans(t *testing.T) {
	t.Parallel()
	config := func(data string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n" + data
	}
	const collides = "  on: \"x\"\n  y: \"2\"\n  n: \"3\"\n"
	sets, findings := stdin(t, config(collides), load.Limits{})
	assert.Empty(t, sets)
	require.Equal(t, []string{load.CodeKeyRead, load.CodeSyntax, load.CodeKeyRead, load.CodeKeyRead}, codes(findings))
	assert.Equal(t, "duplicate key: on (line 5) and y are both read as true (YAML 1.1); quote what is text", findings[1].Message)
	assert.Equal(t, 6, findings[1].Line)
	assert.Equal(t, "key n is read as false (YAML 1.1); quote it", findings[3].Message)
	assert.Equal(t, []int{7, 3}, []int{findings[3].Line, findings[3].Column})

	var edits []finding.Edit
	for _, f := range findings {
		if f.Code == load.CodeKeyRead {
			edits = append(edits, f.Edit)
		}
	}
	fixed, made := lint.Apply([]byte(config(collides)), edits)
	assert.Equal(t, 3, made)
	assert.Equal(t, config("  \"on\": \"x\"\n  \"y\": \"2\"\n  \"n\": \"3\"\n"), string(fixed))
	sets, findings = stdin(t, string(fixed), load.Limits{})
	assert.Empty(t, findings)
	assert.Equal(t, map[string]any{"on": "x", "y": "2", "n": "3"}, sets[0].Resources[0].Data["data"])

	_, findings = stdin(t, config("  y: \"2\"\n  \"true\": \"3\"\n"), load.Limits{})
	assert.Equal(t, []string{load.CodeKeyRead, load.CodeSyntax}, codes(findings))

	// Kustomize reads YAML 1.2 and quotes them in what it prints.
	dir := unpack(t, "-- kustomization.yaml --\nresources: [c.yaml]\n-- c.yaml --\n"+config(collides))
	assert.Equal(t, map[string]any{"on": "x", "y": "2", "n": "3"}, one(t, dir).Resources[0].Data["data"])
}
