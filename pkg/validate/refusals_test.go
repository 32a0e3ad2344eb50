package validate_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/effective"
)

// found are "code line path" of what is found in a file.
func found(t *testing.T, text string) []string {
	t.Helper()
	effective.DiscardLogs()
	var list []string
	for _, f := range judge(t, write(t, "objects.yaml", text)).Findings {
		list = append(list, fmt.Sprintf("%s %d %s", f.Code, f.Line, f.Path))
	}
	return list
}

const virtualService = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: llm}
spec:
`

func TestIstiodRefuses(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"KG0033 5 /spec/hosts/0"},
		found(t, virtualService+"  hosts: [\"*\"]\n  http:\n  - route: [{destination: {host: b.example.com}}]\n"))
	assert.Equal(t, []string{"KG0324 5 /spec"},
		found(t, virtualService+"  gateways: [istio-ingress/llm]\n  http:\n  - route: [{destination: {host: b.example.com}}]\n"),
		"a rule says the same with the fix")
	assert.Equal(t, []string{"KG0022 7 /spec/http/0/route/0/destination/host"},
		found(t, virtualService+"  hosts: [\"*\"]\n  http:\n  - route: [{destination: {}}]\n"),
		"the server does not ask about what its schema refuses")
}

// TestGraphsAreJudged: KServe has a webhook for them, though it is not needed for what serves.
func TestGraphsAreJudged(t *testing.T) {
	t.Parallel()
	const graph = "apiVersion: serving.kserve.io/v1alpha1\nkind: InferenceGraph\nmetadata: {name: g, namespace: llm}\nspec:\n  nodes:\n"
	assert.Empty(t, found(t, graph+"    root: {routerType: Sequence, steps: [{serviceName: a}]}\n"))
	assert.Equal(t, []string{"KG0030 3 /metadata/name"}, found(t, graph+"    rooot: {routerType: Sequence, steps: [{serviceName: a}]}\n"))
}
