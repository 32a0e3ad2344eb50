package spec_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// load reads a document that must be right.
func load(t require.TestingT, document string) *spec.Deployment {
	deployments, err := spec.Load("document.yaml", strings.NewReader(document))
	require.NoErrorf(t, err, "%s", document)
	require.Len(t, deployments, 1)
	return deployments[0]
}

// document writes lines of spec, and the least that spec needs where they do not say it.
func document(lines ...string) string { return named("", lines...) }

// named is document with fields of metadata.
func named(metadata string, lines ...string) string {
	head := "apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\n"
	if metadata != "" {
		head += fmt.Sprintf("metadata: {%s}\n", metadata)
	}
	head += "spec:\n"
	for _, least := range []string{"model: {id: openai/gpt-oss-20b}", "accelerator: {type: a10g}"} {
		key, _, _ := strings.Cut(least, " ")
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, key) }) {
			head += "  " + least + "\n"
		}
	}
	for _, line := range lines {
		head += "  " + line + "\n"
	}
	return head
}

func weightsOf(target spec.Target) map[string]int {
	weights := map[string]int{}
	for _, revision := range target.Revisions {
		weights[revision.Name] = revision.Weight
	}
	return weights
}

func namesOf(target spec.Target) []string {
	var names []string
	for _, revision := range target.Revisions {
		names = append(names, revision.Name)
	}
	return names
}
