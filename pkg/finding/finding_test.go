package finding_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/finding"
)

func TestObjectsArePutInWords(t *testing.T) {
	t.Parallel()
	for want, object := range map[string]finding.Object{
		"Service llm/a":         {Kind: "Service", Namespace: "llm", Name: "a"},
		"Service llm/(no name)": {Kind: "Service", Namespace: "llm"},
		"Namespace llm":         {Kind: "Namespace", Name: "llm"},
		"Kustomization":         {Kind: "Kustomization"},
		"":                      {},
	} {
		assert.Equal(t, want, object.String())
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "0 errors", finding.Plural(0, "error"))
	assert.Equal(t, "1 error", finding.Plural(1, "error"))
	assert.Equal(t, "2 errors", finding.Plural(int64(2), "error"))
}
