package load_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/load"
)

const merging = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: &l {app: w}
  annotations: &a {app: v, more: m}
spec:
  selector: {matchLabels: *l}
  template:
    metadata:
      labels: {<<: *l, version: v1}
      annotations: {<<: [*l, *a]}
    spec: {containers: [{name: web, image: "web:1"}]}
`

// TestMergeKeys compares with the ways of kubectl and of Kustomize.
func TestMergeKeys(t *testing.T) {
	t.Parallel()
	dir := unpack(t, "-- web.yaml --\n"+merging+"-- built/kustomization.yaml --\nresources: [web.yaml]\n-- built/web.yaml --\n"+merging)
	want := asServed(t, []byte(merging))
	file := one(t, filepath.Join(dir, "web.yaml"))
	assert.Equal(t, want, file.Resources[0].Data)
	assert.Equal(t, "w}", text(t, file.Resources[0].At("/spec/template/metadata/labels/app")))
	built := one(t, filepath.Join(dir, "built"))
	assert.Equal(t, want, built.Resources[0].Data)
	assert.Equal(t, "v1}", text(t, built.Resources[0].At("/spec/template/metadata/labels/version")))
	sets, findings := stdin(t, merging, load.Limits{})
	require.Empty(t, findings)
	assert.Equal(t, want, sets[0].Resources[0].Data)
}

func TestMergeKeysOfKustomizations(t *testing.T) {
	t.Parallel()
	dir := unpack(t, "-- kustomization.yaml --\nresources: [web.yaml]\nlabels:\n- pairs: &p {a: b}\n- pairs: {<<: *p, c: d}\n-- web.yaml --\n"+merging)
	set := one(t, dir)
	assert.Equal(t, map[string]any{"app": "w", "a": "b", "c": "d"}, set.Resources[0].Data["metadata"].(map[string]any)["labels"])
}

func TestMergeKeysOfDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	dir := unpack(t, "-- d.yaml --\napiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: &m {name: x}\nspec: {<<: *m}\n")
	_, findings := read(t, filepath.Join(dir, "d.yaml"))
	require.Len(t, findings, 1)
	assert.Equal(t, load.CodeDocument, findings[0].Code)
	assert.Equal(t, 4, findings[0].Line)
	assert.Equal(t, "merge keys (<<) are not supported; write the fields out", findings[0].Message)
}
