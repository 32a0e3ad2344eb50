package envtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kservegen/kservegen/e2e/envtest/trees"
)

// fixture is a file of pkg/lint/testdata: objects that a rule is shown.
type fixture struct {
	code, name string
	bad        bool
	// refusedBy is who refuses one of the objects, in the words of the file's first line; "refused later" is what
	// another object or another application shows. Empty where all are accepted.
	refusedBy string
	objects   []*unstructured.Unstructured
}

var refusedLine = regexp.MustCompile(`^# refused(?: later)?: (the API server|KServe's webhook|istiod's webhook)[.,]`)

// fixtures reads them all. What only Kustomize reads, patches, and what a controller made is no object that a
// person applies.
func fixtures(t *testing.T) []fixture {
	t.Helper()
	var all []fixture
	for _, file := range glob(t, filepath.Join("..", "..", "pkg", "lint", "testdata", "KG*", "*.yaml")) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		f := fixture{code: filepath.Base(filepath.Dir(file)), bad: strings.HasPrefix(name, "bad-")}
		f.name = f.code + "/" + name
		if match := refusedLine.FindStringSubmatch(string(content)); match != nil {
			f.refusedBy = match[1]
		} else {
			require.NotContains(t, string(content), "# refused", "%s: nobody known refuses it", file)
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			object := parse(t, document)
			applied := !strings.HasPrefix(document, "# patch\n") && !strings.HasPrefix(document, "# effective\n") &&
				!strings.HasPrefix(object.GetAPIVersion(), "kustomize.config.k8s.io/")
			if applied {
				f.objects = append(f.objects, object)
			}
		}
		all = append(all, f)
	}
	return all
}

// fixturesAreAccepted shows why each rule exists: the server accepts what is bad, or the one refuses it that the
// fixture names.
func (s *suite) fixturesAreAccepted(t *testing.T) {
	bad := slices.DeleteFunc(fixtures(t), func(f fixture) bool { return !f.bad })
	require.GreaterOrEqual(t, len(bad), 150, "the fixtures are gone")
	for _, f := range bad {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s.assertFixture(t, f)
		})
	}
}

func (s *suite) assertFixture(t *testing.T, f fixture) {
	t.Helper()
	suffix := "-" + strings.ToLower(strings.ReplaceAll(f.name, "/", "-"))
	tree, namespaces := trees.Tree{Objects: f.objects}.Apart(suffix, s.namespaced)
	for _, namespace := range namespaces {
		s.ensureNamespace(t, namespace)
	}
	refused := false
	for _, object := range tree.Objects {
		verdict, err := s.API.Verdict(t.Context(), object.Object)
		require.NoError(t, err, object.GetName())
		if verdict.Accepted && object.GetKind() == "ServingRuntime" {
			// Its webhook looks at the runtimes that are there, and the next one's at this one.
			_, err = s.API.Apply(t.Context(), object)
			require.NoError(t, err)
			verdict, err = s.API.Verdict(t.Context(), object.Object)
			require.NoError(t, err)
		}
		if !verdict.Accepted {
			refused = true
			assert.Equalf(t, f.refusedBy, by(verdict.Webhook), "%s %s: %v", object.GetKind(), object.GetName(), verdict.Causes)
		}
	}
	assert.Equal(t, f.refusedBy != "", refused, "whether one of the objects is refused")
}

// by names who refused as fixtures do.
func by(webhook string) string {
	switch {
	case webhook == "":
		return "the API server"
	case strings.Contains(webhook, "kserve"):
		return "KServe's webhook"
	}
	return "istiod's webhook"
}
