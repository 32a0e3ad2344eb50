package lease_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/apitest"
	"github.com/kservegen/kservegen/pkg/rollout/lease"
)

const path = "/apis/coordination.k8s.io/v1/namespaces/llm/leases/ship-canary"

func acquire(t *testing.T, s *apitest.Server, me string, waiting func(string, error)) (context.Context, *lease.Lease) {
	t.Helper()
	ctx, held, err := lease.Acquire(t.Context(), s.Config, "llm", "ship-canary", me, waiting)
	require.NoError(t, err)
	return ctx, held
}

func nobody(string, error) {}

func holder(s *apitest.Server) any { return s.Get(path)["spec"].(map[string]any)["holderIdentity"] }

func TestOneWaitsForTheOther(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	_, first := acquire(t, s, "a", nobody)
	assert.Equal(t, "a", holder(s))
	waits, entered := make(chan string, 10), make(chan *lease.Lease)
	go func() {
		_, held, err := lease.Acquire(t.Context(), s.Config, "llm", "ship-canary", "b", func(who string, _ error) { waits <- who })
		assert.NoError(t, err)
		entered <- held
	}()
	assert.Equal(t, "a", <-waits)
	require.NoError(t, first.Release(t.Context()))
	second := <-entered
	assert.Equal(t, "b", holder(s))
	assert.EqualValues(t, 2, s.Get(path)["spec"].(map[string]any)["leaseTransitions"])
	assert.Empty(t, waits, "it is said once")
	require.NoError(t, second.Release(t.Context()))
	assert.Nil(t, holder(s))
}

// TestHolderThatWasKilled: nobody renews, and after the time that the Lease says the next one has it.
func TestHolderThatWasKilled(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.PutYAML(t, path, "{apiVersion: coordination.k8s.io/v1, kind: Lease, spec: {holderIdentity: dead, leaseDurationSeconds: 3, renewTime: '2099-01-01T00:00:00.000000Z'}}")
	began := time.Now()
	_, held := acquire(t, s, "b", nobody)
	assert.Greater(t, time.Since(began), 3*time.Second, "by our own clock, whatever the other's says")
	require.NoError(t, held.Release(t.Context()))
}

// TestTaken: who has lost the Lease ends, and leaves it to the one that has it.
func TestTaken(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	ctx, held := acquire(t, s, "a", nobody)
	s.PutYAML(t, path, "{apiVersion: coordination.k8s.io/v1, kind: Lease, spec: {holderIdentity: b, leaseDurationSeconds: 15}}")
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
		require.Fail(t, "it goes on")
	}
	require.ErrorIs(t, context.Cause(ctx), lease.ErrTaken)
	assert.Contains(t, context.Cause(ctx).Error(), "b")
	require.NoError(t, held.Release(t.Context()))
	assert.Equal(t, "b", holder(s))
}

// TestServerAway: nobody takes it meanwhile, so it is kept; but nothing may be written before it was renewed.
func TestServerAway(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	var away atomic.Bool
	s.Before = func(*http.Request) int {
		if away.Load() {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	ctx, held := acquire(t, s, "a", nobody)
	require.NoError(t, held.Held(t.Context()))
	away.Store(true)
	time.Sleep(lease.Duration * 4 / 5)
	require.Error(t, held.Held(t.Context()))
	require.NoError(t, ctx.Err())
	away.Store(false)
	require.NoError(t, held.Held(t.Context()))
	require.NoError(t, held.Release(t.Context()))
}

func TestInterruptedWhileWaiting(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.PutYAML(t, path, "{apiVersion: coordination.k8s.io/v1, kind: Lease, spec: {holderIdentity: a, leaseDurationSeconds: 600}}")
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := lease.Acquire(ctx, s.Config, "llm", "ship-canary", "b", func(string, error) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "a", holder(s))
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Before = func(*http.Request) int { return http.StatusForbidden }
	_, _, err := lease.Acquire(t.Context(), s.Config, "llm", "ship-canary", "b", nobody)
	require.Error(t, err)
	assert.True(t, strings.HasPrefix(err.Error(), "taking Lease ship-canary: "), err.Error())
}

// TestForbiddenToTake: a Lease that may be read and not written is none to wait for.
func TestForbiddenToTake(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.PutYAML(t, path, "{apiVersion: coordination.k8s.io/v1, kind: Lease, spec: {}}")
	s.Before = func(r *http.Request) int {
		if r.Method == http.MethodPut {
			return http.StatusForbidden
		}
		return 0
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, _, err := lease.Acquire(ctx, s.Config, "llm", "ship-canary", "b", nobody)
	require.NoError(t, ctx.Err(), "it waits in vain, and says nothing")
	require.ErrorContains(t, err, "taking Lease ship-canary: ")
}

// TestTroubleIsTold, once, while it waits.
func TestTroubleIsTold(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.PutYAML(t, path, "{apiVersion: coordination.k8s.io/v1, kind: Lease, spec: {}}")
	var tries atomic.Int32
	s.Before = func(r *http.Request) int {
		if r.Method == http.MethodPut && tries.Add(1) < 3 {
			return http.StatusBadRequest
		}
		return 0
	}
	told := 0
	_, held := acquire(t, s, "b", func(holder string, trouble error) {
		assert.Empty(t, holder)
		require.Error(t, trouble)
		told++
	})
	assert.Equal(t, 1, told)
	require.NoError(t, held.Release(t.Context()))
}

// TestRemoved: a Lease that somebody removed is made anew, so that what was found can be written still.
func TestRemoved(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	ctx, held := acquire(t, s, "a", nobody)
	s.Remove(path)
	require.Eventually(t, func() bool { return s.Get(path) != nil }, 20*time.Second, 100*time.Millisecond)
	assert.Equal(t, "a", holder(s))
	require.NoError(t, held.Held(t.Context()))
	require.NoError(t, ctx.Err())
	require.NoError(t, held.Release(t.Context()))
	assert.Nil(t, holder(s))
}
