package envtest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/e2e/envtest/cluster"
	"github.com/kservegen/kservegen/e2e/envtest/cluster/clustertest"
	"github.com/kservegen/kservegen/e2e/envtest/trees"
)

// suite is a running server and what it is asked about.
type suite struct {
	*cluster.Cluster
	webhooks bool
	trees    []trees.Tree
	synced   []trees.Tree
}

// start brings a server up for the length of the test. Where the test fails, the logs stay.
func start(t *testing.T, webhooks bool) *suite {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	found, err := trees.Find(root)
	require.NoError(t, err)
	synced, err := trees.Synced(root)
	require.NoError(t, err)
	began := time.Now()
	c := clustertest.Start(t, "envtest", cluster.Options{Root: root, Webhooks: webhooks})
	t.Logf("the servers answer after %.1f s", time.Since(began).Seconds())
	return &suite{Cluster: c, webhooks: webhooks, trees: found, synced: synced}
}

func (s *suite) namespaced(object *unstructured.Unstructured) bool {
	namespaced, _ := s.API.Serves(object.GroupVersionKind())
	return namespaced
}

// ensureNamespace makes a namespace unless the tree that is to be applied brings it.
func (s *suite) ensureNamespace(t *testing.T, name string) {
	t.Helper()
	_, err := s.API.Apply(t.Context(), parse(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}"))
	require.NoError(t, err)
}

// parse is an object out of YAML, with the types of numbers that the API server's answers have.
func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	content, err := yaml.YAMLToJSON([]byte(text))
	require.NoError(t, err)
	object := &unstructured.Unstructured{}
	require.NoError(t, utiljson.Unmarshal(content, &object.Object))
	return object
}
