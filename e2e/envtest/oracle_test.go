package envtest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/e2e/envtest/mutate"
)

// workers ask a judge at the same time; the server has work for more than one at once.
const workers = 8

// comparison is what the server and what is compared with it say of one object.
type comparison struct {
	mutate.Mutant
	server, own api.Verdict
}

func (c comparison) agrees() bool { return c.server.Accepted == c.own.Accepted }

// native says that the kind is one of the server's own. Those it checks by code that cannot be imported.
func (c comparison) native() bool {
	object := &unstructured.Unstructured{Object: c.Object}
	return scheme.Scheme.IsGroupRegistered(object.GroupVersionKind().Group)
}

// located says whether both refuse and the server names a field, and found, whether that is among the fields
// that the other one names.
func (c comparison) located() (located, found bool) {
	if c.server.Accepted || c.own.Accepted || c.server.Causes[0].Path == "" {
		return false, false
	}
	return true, slices.ContainsFunc(c.own.Causes, func(own api.Cause) bool {
		return own.Path == c.server.Causes[0].Path
	})
}

// compare asks both judges about every object.
func compare(ctx context.Context, server, own judge, objects []mutate.Mutant) ([]comparison, error) {
	compared := make([]comparison, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, object := range objects {
		group.Go(func() (err error) {
			compared[i].Mutant = object
			if compared[i].server, err = server.Verdict(ctx, object.Object); err != nil {
				return fmt.Errorf("asking the server about %s: %w", object, err)
			}
			if compared[i].own, err = own.Verdict(ctx, object.Object); err != nil {
				return fmt.Errorf("%s: %w", object, err)
			}
			return nil
		})
	}
	return compared, group.Wait()
}

// schemas are those that the server publishes, asked for once per kind.
type schemas struct {
	found map[string]mutate.Field
	mutex sync.Mutex
	ask   func(apiVersion, kind string) mutate.Field
}

// Schema is nil for a kind that the server does not have.
func (s *schemas) Schema(apiVersion, kind string) mutate.Field {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key := apiVersion + " " + kind
	if field, ok := s.found[key]; ok {
		return field
	}
	s.found[key] = s.ask(apiVersion, kind)
	return s.found[key]
}
