package istio

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"

	"github.com/kservegen/kservegen/pkg/spec"
)

// TestRevealedRevisions: every destination says its own name, and none where that is not wanted.
func TestRevealedRevisions(t *testing.T) {
	t.Parallel()
	for _, revealed := range []bool{true, false} {
		target := spec.Target{
			Name: "m", Namespace: "llm", ServedName: "m",
			Expose: &spec.Expose{Hosts: []string{"m.example.com"}, Gateway: "a/b", RevealRevision: revealed},
			Revisions: []spec.RevisionTarget{
				{Name: "v1", Weight: 90}, {Name: "v2", Weight: 10, Testers: &spec.HeaderMatch{Header: "x-llm-track", Value: "v2"}},
			},
		}
		vs, ok := VirtualService(target).Typed.(*clientv1.VirtualService)
		require.True(t, ok)
		require.Len(t, vs.Spec.Http, 2)
		for _, rule := range vs.Spec.Http {
			for _, to := range rule.Route {
				if !revealed {
					assert.Nil(t, to.Headers)
					continue
				}
				set := to.Headers.Response.Set
				require.Len(t, set, 1)
				assert.True(t, strings.HasPrefix(to.Destination.Host, "m-"+set["x-llm-revision"]+"-"), set)
			}
		}
	}
}
