package lint_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/lint/rule"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// want is what a comment `# want: KG0201 /spec/predictor/canaryTrafficPercent` at the end of a line says.
type want struct {
	Code, Path string
	Line       int
}

var (
	wantComment     = regexp.MustCompile(`# want: (.+)$`)
	versionsComment = regexp.MustCompile(`(?m)^# versions: (\S+)=(\S+)$`)
)

func wantsOf(data []byte) []want {
	var wants []want
	for i, line := range strings.Split(string(data), "\n") {
		match := wantComment.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		for entry := range strings.SplitSeq(match[1], ", ") {
			code, path, _ := strings.Cut(entry, " ")
			wants = append(wants, want{code, path, i + 1})
		}
	}
	return wants
}

func versionsOf(t testing.TB, data []byte) lint.Versions {
	t.Helper()
	versions := lint.Versions{}
	for _, match := range versionsComment.FindAllSubmatch(data, -1) {
		version, err := rule.ParseVersion(string(match[2]))
		require.NoError(t, err)
		versions[rule.Product(match[1])] = version
	}
	return versions
}

// readSet reads a fixture. Kustomization files are kept apart, and what stands
// after a comment `# patch` or `# effective`.
func readSet(t testing.TB, file string, data []byte) lint.Set {
	t.Helper()
	documents, err := manifest.Read(file, bytes.NewReader(data), manifest.Limits{})
	require.NoError(t, err)
	set := lint.Set{Name: file}
	lines := strings.Split(string(data), "\n")
	for _, document := range documents {
		resource := manifest.Resource{File: file, Node: document.Node, Data: dataOf(t, document.Node)}
		switch {
		case strings.HasPrefix(resource.APIVersion(), "kustomize.config.k8s.io/"):
			set.Kustomizations = append(set.Kustomizations, resource)
		case document.Node.Line > 1 && lines[document.Node.Line-2] == "# patch":
			set.Patches = append(set.Patches, resource)
		case document.Node.Line > 1 && lines[document.Node.Line-2] == "# effective":
			set.Effective = append(set.Effective, resource)
		default:
			set.Resources = append(set.Resources, resource)
		}
	}
	return set
}

func dataOf(t testing.TB, n *yaml.Node) map[string]any {
	t.Helper()
	encoded, err := yaml.NewRNode(n).MarshalJSON()
	require.NoError(t, err)
	var data map[string]any
	require.NoError(t, utiljson.Unmarshal(encoded, &data))
	return data
}

type fixture struct {
	code, file string
	data       []byte
	good       bool
}

func fixtures(t testing.TB) []fixture {
	t.Helper()
	files, err := filepath.Glob("testdata/KG*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []fixture
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		name := filepath.Base(file)
		good := strings.HasPrefix(name, "good-")
		require.Truef(t, good || strings.HasPrefix(name, "bad-"), "%s must begin with bad- or good-", file)
		all = append(all, fixture{filepath.Base(filepath.Dir(file)), file, data, good})
	}
	return all
}

func run(t testing.TB, versions lint.Versions, sets ...lint.Set) []finding.Finding {
	t.Helper()
	findings, err := lint.Run(t.Context(), sets, lint.Options{Versions: versions})
	require.NoError(t, err)
	return findings
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		t.Run(f.file, func(t *testing.T) {
			t.Parallel()
			var got []want
			for _, found := range run(t, versionsOf(t, f.data), readSet(t, f.file, f.data)) {
				assert.Equal(t, f.file, found.File)
				assert.NotEmpty(t, found.Fix)
				assert.NotContains(t, found.Message, "%!", "a verb without its argument")
				assert.NotRegexp(t, `(^| )1 [a-z]+s\b|""`, found.Message, "one of many, or a name that is empty")
				got = append(got, want{found.Code, found.Path, found.Line})
			}
			wants := wantsOf(f.data)
			assert.ElementsMatch(t, wants, got)
			if f.good {
				assert.Empty(t, wants, "a good fixture has no findings")
				return
			}
			assert.Truef(t, slices.ContainsFunc(wants, func(w want) bool { return w.Code == f.code }), "a bad fixture of %s wants it", f.code)
		})
	}
}

// TestOrderOfInputDoesNotMatter: the same objects in another order have the same findings.
func TestOrderOfInputDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		set := readSet(t, f.file, f.data)
		versions := versionsOf(t, f.data)
		forward := run(t, versions, set)
		assert.Equal(t, forward, run(t, versions, set), f.file)
		slices.Reverse(set.Resources)
		backward := run(t, versions, set)
		if symmetric(f.code) {
			assert.Len(t, backward, len(forward), f.file)
			continue
		}
		assert.Equal(t, forward, backward, f.file)
	}
}

// symmetric rules are about two objects and report the second one.
func symmetric(code string) bool {
	return slices.Contains([]string{"KG0210", "KG0304", "KG0313", "KG0512", "KG1006"}, code)
}

// TestUnrelatedObjectsRemoveNothing: an object that has nothing to do with a set takes no finding away.
func TestUnrelatedObjectsRemoveNothing(t *testing.T) {
	t.Parallel()
	unrelated := manifest.Resource{Data: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "unrelated", "namespace": "elsewhere"},
	}}
	for _, f := range fixtures(t) {
		set := readSet(t, f.file, f.data)
		versions := versionsOf(t, f.data)
		before := run(t, versions, set)
		set.Resources = append(set.Resources, unrelated)
		assert.Equal(t, before, run(t, versions, set), f.file)
	}
}

func lineOf(f finding.Finding) string {
	return f.File + ":" + strconv.Itoa(f.Line) + " " + f.Code + " " + f.Path + ": " + f.Message
}
