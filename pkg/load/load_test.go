package load_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// stdin reads a stream.
func stdin(t *testing.T, text string, limits load.Limits) ([]load.Set, []finding.Finding) {
	t.Helper()
	sets, findings, err := load.Load(t.Context(), []string{"-"}, load.Options{Stdin: strings.NewReader(text), Limits: limits})
	require.NoError(t, err)
	return sets, findings
}

// TestDataIsWhatTheServerGets compares with the way of kubectl: sigs.k8s.io/yaml, then the decoder of the API
// server.
func TestDataIsWhatTheServerGets(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"1", "-1", "1.0", "1.5", "1e3", "1e400", "0x10", "0o17", "017", "0b11", "1_000", "9223372036854775807", "9223372036854775808",
		"18446744073709551615", "18446744073709551616", "-9223372036854775808", "1e21", "123456789012345678901234567890",
		"yes", "No", "on", "OFF", "y", "N", "true", "True", "TRUE", "tRue", "~", "null", "Null", `""`, "''", `"yes"`, "'1'", "!!str 1", "!!str yes", "!!int 3", "!!float 3",
		"2024-01-02", "2024-01-02T03:04:05Z", "12:30", "190:20:30", "a: b", "{no: yes, 1: 2, 1.5: x, true: y}", "[on, off]", "- a", "|\n  text", "=", "<", "1.",
		".5", "+1", "+.5", "0777", "08", "1e+3", "-0", "-0.0", "0.1", "1e-7",
	} {
		text := "apiVersion: v1\nkind: X\nvalue: " + value
		if strings.HasPrefix(value, "- ") || strings.HasPrefix(value, "a: ") {
			text = "apiVersion: v1\nkind: X\nvalue:\n  " + value
		}
		sets, findings := stdin(t, text, load.Limits{})
		for _, f := range findings { // a key no that is read as false
			require.Equalf(t, load.CodeKeyRead, f.Code, "%s", value)
		}
		assert.Equalf(t, asServed(t, []byte(text)), sets[0].Resources[0].Data, "%s", value)
	}
}

func TestListsAreUnrolled(t *testing.T) {
	t.Parallel()
	sets, findings := stdin(t, "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service}\n- {kind: Service}\n", load.Limits{})
	require.Len(t, sets, 1)
	require.Len(t, sets[0].Resources, 1)
	assert.Equal(t, manifest.Place{File: load.StreamName, Line: 4, Column: 16}, sets[0].Resources[0].At("/apiVersion"))
	assert.True(t, sets[0].Incomplete)
	require.Len(t, findings, 1)
	assert.Equal(t, 5, findings[0].Line)
}

func TestBrokenDocumentsHideNoOthers(t *testing.T) {
	t.Parallel()
	sets, findings := stdin(t, "kind: A\napiVersion: v1\n---\na: [\n---\nkind: B\napiVersion: v1\n", load.Limits{})
	require.Len(t, sets, 1)
	require.Len(t, sets[0].Resources, 2)
	assert.True(t, sets[0].Incomplete)
	assert.Equal(t, manifest.Place{File: load.StreamName, Line: 6, Column: 7}, sets[0].Resources[1].At("/kind"))
	assert.Equal(t, []string{load.CodeSyntax}, codes(findings))
}

func TestLimits(t *testing.T) {
	t.Parallel()
	object := "apiVersion: v1\nkind: X\nitems: [1, 2, 3, 4, 5]\n"
	for name, tc := range map[string]struct {
		text   string
		limits load.Limits
		want   string
	}{
		"bytes": {object, load.Limits{FileBytes: 10}, "is larger than 10 bytes"},
		"nodes": {object, load.Limits{FileNodes: 5}, "more than 5 values"},
		"total": {object, load.Limits{TotalBytes: 20}, "more than 20 bytes in one run"},
		"aliases": {"apiVersion: v1\nkind: X\na: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e]\n", load.Limits{FileNodes: 10_000}, "more than 10000 values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sets, findings := stdin(t, tc.text, tc.limits)
			assert.Empty(t, sets)
			require.NotEmpty(t, findings)
			assert.Contains(t, findings[0].Message, tc.want)
		})
	}
}

func TestFilesAreCounted(t *testing.T) {
	t.Parallel()
	root := unpack(t, "-- a.yaml --\nkind: A\napiVersion: v1\n-- b.yaml --\nkind: B\napiVersion: v1\n")
	_, findings, err := load.Load(t.Context(), []string{root}, load.Options{Limits: load.Limits{Files: 3}})
	require.NoError(t, err)
	require.Len(t, findings, 1)
	assert.Contains(t, findings[0].Message, "the limit is 3 files")
}

// Pipes would block, and links could lead anywhere; also for Kustomize.
func TestSpecialFilesAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		archive string
		special func(t *testing.T, root string)
		want    string
	}{
		"pipe": {"-- a.yaml --\n", func(t *testing.T, root string) {
			t.Helper()
			require.NoError(t, syscall.Mkfifo(filepath.Join(root, "p.yaml"), 0o600))
		}, "is a named pipe"},
		"pipe as resource": {"-- kustomization.yaml --\nresources: [p.yaml]\n", func(t *testing.T, root string) {
			t.Helper()
			require.NoError(t, syscall.Mkfifo(filepath.Join(root, "p.yaml"), 0o600))
		}, "is a named pipe"},
		"pipe as data": {"-- kustomization.yaml --\nconfigMapGenerator:\n- {name: a, files: [p]}\n", func(t *testing.T, root string) {
			t.Helper()
			require.NoError(t, syscall.Mkfifo(filepath.Join(root, "p"), 0o600))
		}, "is a named pipe"},
		"link": {"-- a.yaml --\n", func(t *testing.T, root string) {
			t.Helper()
			require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(root, "l.yaml")))
		}, "is a link that leaves"},
		"base by link": {"-- kustomization.yaml --\nresources: [base]\n", func(t *testing.T, root string) {
			t.Helper()
			require.NoError(t, os.Symlink(unpack(t, "-- kustomization.yaml --\nnamePrefix: a\n"), filepath.Join(root, "base")))
		}, "is a link that leaves"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := unpack(t, tc.archive)
			tc.special(t, root)
			_, findings := read(t, root)
			require.NotEmpty(t, findings)
			var messages []string
			for _, f := range findings {
				messages = append(messages, f.Message)
			}
			assert.Contains(t, strings.Join(messages, "\n"), tc.want)
		})
	}
}

func TestLinksInsideAreFollowed(t *testing.T) {
	t.Parallel()
	root := unpack(t, "-- base/kustomization.yaml --\nresources: [a.yaml]\n-- base/a.yaml --\napiVersion: v1\nkind: A\nmetadata: {name: a}\n-- over/kustomization.yaml --\nresources: [link]\n")
	require.NoError(t, os.Symlink("../base", filepath.Join(root, "over", "link")))
	sets, findings := read(t, root)
	assert.Empty(t, findings)
	assert.NotEmpty(t, sets)
}

func TestKustomizationsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ archive, code, file, want string }{
		"cycle":          {"-- kustomization.yaml --\nresources: [a]\n-- a/kustomization.yaml --\nresources: [../a]\n", load.CodeKustomization, "a/kustomization.yaml", "back to itself"},
		"http patch":     {"-- kustomization.yaml --\npatches: [{path: 'http://localhost:1/x'}]\n", load.CodeRemote, "kustomization.yaml", "would be fetched"},
		"github":         {"-- kustomization.yaml --\nresources: ['github.com/a/b']\n", load.CodeRemote, "kustomization.yaml", "would be fetched"},
		"ssh":            {"-- kustomization.yaml --\ncomponents: ['git@host:a/b']\n", load.CodeRemote, "kustomization.yaml", "would be fetched"},
		"odd case":       {"-- kustomization.yaml --\nResources: ['https://localhost:1/b']\n", load.CodeRemote, "kustomization.yaml", "would be fetched"},
		"generator file": {"-- kustomization.yaml --\nconfigMapGenerator: [{name: a, files: ['a=https://localhost:1/b']}]\n", load.CodeRemote, "kustomization.yaml", "would be fetched"},
		"transformer": {"-- kustomization.yaml --\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: a}\n  path: http://localhost:1/x\n",
			load.CodeRemote, "kustomization.yaml", "holds an address"},
		"copies": {"-- kustomization.yaml --\nresources: [a.yaml]\npatches: [{path: p.yaml, target: {kind: A}}]\n-- a.yaml --\napiVersion: v1\nkind: A\nmetadata: {name: a}\nx: {}\n-- p.yaml --\n" +
			strings.Repeat("- {op: copy, from: /x, path: /x/a}\n- {op: copy, from: /x, path: /x/b}\n", 40), load.CodeRefused, "p.yaml", "more than 400000 values"},
		"unknown field": {"-- kustomization.yaml --\nresource: [a.yaml]\n", load.CodeKustomization, "kustomization.yaml", `resource is no field of a kustomization; did you mean resources?`},
		"not yaml":      {"-- kustomization.yaml --\nresources: [\n", load.CodeSyntax, "kustomization.yaml", "did not find"},
		"two":           {"-- kustomization.yaml --\nnamePrefix: a\n---\nnamePrefix: b\n", load.CodeKustomization, "kustomization.yaml", "holds 2 documents"},
		"empty":         {"-- kustomization.yaml --\n", load.CodeKustomization, "kustomization.yaml", "holds 0 documents"},
		"absolute":      {"-- kustomization.yaml --\nresources: [/]\npatches: [{path: /dev/null}]\n", load.CodeKustomization, "kustomization.yaml", "/ is an absolute path and was not read"},
		"missing patch": {"-- kustomization.yaml --\npatches: [{path: x.yaml}]\n", load.CodeKustomization, "kustomization.yaml", "x.yaml does not exist"},
		"bad resource":  {"-- kustomization.yaml --\nresources: [a.yaml]\n-- a.yaml --\na: [\n", load.CodeSyntax, "a.yaml", "did not find"},
		"helm chart":    {"-- kustomization.yaml --\nhelmCharts: [{name: a}]\n", load.CodeKustomization, "kustomization.yaml", "enable-helm"},
		"above itself":  {"-- kustomization.yaml --\nresources: [..]\n", load.CodeRefused, "", "no kustomization.yaml"},
		"twice the same": {"-- kustomization.yaml --\nresources: [a.yaml, b.yaml]\n-- a.yaml --\napiVersion: v1\nkind: A\nmetadata: {name: a}\n-- b.yaml --\napiVersion: v1\nkind: A\nmetadata: {name: a}\n",
			load.CodeKustomization, "kustomization.yaml", "may not add resource with an already registered id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := unpack(t, tc.archive)
			sets, findings := read(t, root)
			require.NotEmpty(t, findings)
			assert.Equal(t, tc.code, findings[0].Code, findings[0].Message)
			assert.Contains(t, findings[0].Message, tc.want)
			if tc.file != "" {
				assert.Equal(t, filepath.Join(root, tc.file), findings[0].File)
			}
			require.Len(t, sets, 1)
			assert.True(t, sets[0].Incomplete)
		})
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	root := unpack(t, `
-- apps/base/kustomization.yaml --
resources: [a.yaml]
-- apps/base/a.yaml --
apiVersion: v1
kind: A
metadata: {name: a}
-- apps/part/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
namePrefix: x-
-- apps/dev/kustomization.yaml --
resources: [../base]
components: [../part]
-- apps/prod/kustomization.yaml --
resources: [../base]
-- .git/kustomization.yaml --
resources: [nothing]
-- loose/b.yaml --
apiVersion: v1
kind: B
metadata: {name: b}
-- apps/dev/forgotten.yaml --
apiVersion: v1
kind: C
metadata: {name: c}
-- loose/values.yaml --
a: b
-- loose/model.yaml --
apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m}
`)
	sets, findings := read(t, root)
	var names []string
	for _, set := range sets {
		names = append(names, strings.TrimPrefix(set.Name, root))
	}
	assert.Equal(t, []string{"/apps/dev", "/apps/prod", "/loose"}, names)
	require.Len(t, findings, 1)
	assert.Equal(t, load.CodeUnused, findings[0].Code)
	assert.Equal(t, filepath.Join(root, "apps/dev/forgotten.yaml"), findings[0].File)
	require.Len(t, sets[2].Resources, 1)
	assert.Equal(t, "b", sets[2].Resources[0].Name())
	assert.Len(t, sets[0].Kustomizations, 3)
	assert.Equal(t, "dev", filepath.Base(filepath.Dir(sets[0].Kustomizations[0].File)))
}

func TestEnvironmentsOfADocument(t *testing.T) {
	t.Parallel()
	sets, findings := read(t, "../../overlays/deepseek-r1-distill-llama-8b-a10g/document.yaml")
	assert.Empty(t, findings)
	require.Len(t, sets, 3)
	built, _ := read(t, "../../overlays/deepseek-r1-distill-llama-8b-a10g")
	require.Len(t, built, 3)
	for _, set := range sets {
		assert.Equal(t, load.Environment, set.Kind)
		place := set.Resources[0].At("/metadata/name")
		assert.Contains(t, text(t, place), set.Name[strings.LastIndex(set.Name, " ")+1:])
		i := strings.LastIndex(set.Name, " ") + 1
		for _, other := range built {
			if filepath.Base(other.Name) == set.Name[i:] {
				for j := range set.Resources {
					assert.Equal(t, other.Resources[j].Data, set.Resources[j].Data)
				}
			}
		}
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := load.Load(ctx, []string{"../../overlays"}, load.Options{})
	require.Error(t, err)
}

// FuzzStream reads any bytes; whatever they hold, nothing panics and places are those of the stream.
func FuzzStream(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: A}]\n"))
	f.Add([]byte("a: [\n---\nkind: B\napiVersion: v1\n"))
	f.Add([]byte("apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nspec: {}\n"))
	f.Add([]byte("apiVersion: v1\nkind: A\nx: .nan\ny: 1e400\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sets, findings, err := load.Load(t.Context(), []string{"-"}, load.Options{
			Stdin: bytes.NewReader(data), Limits: load.Limits{FileBytes: 1 << 16, FileNodes: 5_000},
		})
		require.NoError(t, err)
		require.True(t, len(sets) > 0 || len(findings) > 0, "nothing is said about the input")
		lines := bytes.Count(data, []byte("\n")) + 1
		for _, set := range sets {
			for _, resource := range set.Resources {
				require.NotEmpty(t, resource.Kind())
				require.LessOrEqual(t, resource.At("/kind").Line, lines)
			}
		}
	})
}

// FuzzKustomization builds any kustomization over a fixed base.
func FuzzKustomization(f *testing.F) {
	f.Add([]byte("resources: [a.yaml]\nnamePrefix: x-\n"), []byte("- {op: add, path: /spec/a/-, value: 1}"))
	f.Add([]byte("resources: [a.yaml]\npatches: [{path: patch.yaml, target: {kind: A}}]\n"), []byte("- {op: move, from: /spec, path: /x}"))
	f.Add([]byte("resources: [a.yaml]\npatches: [{path: patch.yaml}]\n"), []byte("{apiVersion: v1, kind: A, metadata: {name: a}, spec: {a: null, b: [x]}}"))
	f.Fuzz(func(t *testing.T, kustomization, patch []byte) {
		root := t.TempDir()
		for name, data := range map[string][]byte{
			"kustomization.yaml": kustomization, "patch.yaml": patch,
			"a.yaml": []byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\nspec: {a: [1, 2], b: {c: d}}\n"),
		} {
			require.NoError(t, os.WriteFile(filepath.Join(root, name), data, 0o600))
		}
		sets, findings, err := load.Load(t.Context(), []string{root}, load.Options{Limits: load.Limits{FileBytes: 1 << 14, FileNodes: 2_000}})
		require.NoError(t, err)
		require.True(t, len(sets) > 0 || len(findings) > 0)
		for _, set := range sets {
			for _, resource := range set.Resources {
				scalars("", resource.Data, func(pointer string, _ any) { require.NotEmpty(t, resource.At(pointer).File) })
			}
		}
	})
}

// Files of a directory that was found, and hold one object twice, are alternatives; who names the directory means all.
func TestAlternativesAreJudgedOneByOne(t *testing.T) {
	t.Parallel()
	root := unpack(t, `
-- app/one.yaml --
apiVersion: v1
kind: Service
metadata: {name: web}
-- app/other.yaml --
apiVersion: v1
kind: Service
metadata: {name: web}
-- app/data.json --
{"_id": 1}
{"_id": 2}
-- app/package.json --
{"name": "web"}
`)
	sets, findings := read(t, root)
	require.Len(t, findings, 1, "data is no manifest")
	assert.Equal(t, load.CodeAlternatives, findings[0].Code)
	assert.Equal(t, filepath.Join(root, "app/other.yaml"), findings[0].File)
	require.Len(t, sets, 2)
	for _, set := range sets {
		assert.True(t, set.Incomplete)
	}
	sets, findings = read(t, filepath.Join(root, "app"))
	assert.Empty(t, findings)
	require.Len(t, sets, 1)
	assert.Len(t, sets[0].Resources, 2)
	assert.False(t, sets[0].Incomplete)
}

func TestDirectoriesOfDataHoldNothing(t *testing.T) {
	t.Parallel()
	sets, findings := read(t, unpack(t, "-- data/package.json --\n{\"name\": \"web\"}\n"))
	assert.Empty(t, sets)
	require.Len(t, findings, 1)
	assert.Equal(t, load.CodeNothing, findings[0].Code)
}
