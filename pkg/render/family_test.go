package render_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// TestOneEnvironmentOfIPv6: its servers listen on the addresses that their pods have, those of the others as they always did.
func TestOneEnvironmentOfIPv6(t *testing.T) {
	t.Parallel()
	rendered := tree(t, `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
  environments:
  - name: dev
  - name: six
    platform: {eks: {ipFamily: ipv6}}
`)
	listens := map[string]bool{}
	for _, environment := range rendered.Environments {
		for _, object := range environment.Objects {
			if object["kind"] == "ServingRuntime" {
				args, _ := manifest.LookupValue(object, "/spec/containers/0/args").([]any)
				listens[environment.Name] = slices.Contains(args, any("--host=::"))
			}
		}
	}
	assert.Equal(t, map[string]bool{"dev": false, "six": true}, listens)
}
