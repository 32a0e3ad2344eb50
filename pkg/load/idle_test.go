package load_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/load"
)

// TestIdle: what changes nothing is told at its line, and what may change something is not.
func TestIdle(t *testing.T) {
	t.Parallel()
	const web = "-- web.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: c, image: 'reg/web:1@sha256:ab'}]}}}\n" +
		"-- base/kustomization.yaml --\nresources: [d.yaml]\nnamePrefix: b-\nimages: [{name: db, newName: db2}]\n" +
		"-- base/d.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\nspec: {template: {spec: {containers: [{name: c, image: db}]}}}\n"
	const op = "patch: '[{\"op\": \"add\", \"path\": \"/metadata/labels\", \"value\": {\"a\": \"b\"}}]'"
	for name, c := range map[string]struct {
		text string
		code string
		line int
	}{
		"target":                     {"resources: [web.yaml]\npatches:\n- " + op + "\n  target: {kind: Deployment, name: wbe}\n", load.CodeIdle, 4},
		"target's kind":              {"resources: [web.yaml]\npatches:\n- " + op + "\n  target: {kind: StatefulSet}\n", load.CodeIdle, 4},
		"image":                      {"resources: [web.yaml]\nimages:\n- name: web\n  newTag: '2'\n", load.CodeIdle, 3},
		"replicas":                   {"resources: [web.yaml]\nreplicas:\n- count: 2\n  name: wbe\n", load.CodeKustomization, 4},
		"target that matches":        {"resources: [web.yaml]\npatches:\n- " + op + "\n  target: {kind: Deployment, name: w.*}\n", "", 0},
		"image with tag and digest":  {"resources: [web.yaml]\nimages: [{name: reg/web, newTag: '2'}]\n", "", 0},
		"image that a base renamed":  {"resources: [base]\nimages: [{name: db2, newTag: '2'}]\n", "", 0},
		"image that is then renamed": {"resources: [base]\nimages: [{name: db2, newName: db3}, {name: db3, newTag: '4'}]\n", "", 0},
		"name of a level between":    {"resources: [base]\nnamePrefix: c-\npatches:\n- " + op + "\n  target: {name: b-db}\n", "", 0},
		"component":                  {"resources: [web.yaml]\ncomponents: [c]\n-- c/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{name: x, newTag: '2'}]\n", "", 0},
		"generated":                  {"configMapGenerator: [{name: m, literals: [a=b]}]\npatches:\n- " + op + "\n  target: {kind: ConfigMap, name: m}\n", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := unpack(t, "-- kustomization.yaml --\n"+c.text+web)
			if c.code == "" {
				one(t, dir)
				return
			}
			_, findings := read(t, dir)
			require.Equal(t, []string{c.code}, codes(findings))
			assert.Equal(t, c.line, findings[0].Line, findings[0].Message)
			assert.Equal(t, filepath.Join(dir, "kustomization.yaml"), findings[0].File)
		})
	}
}
