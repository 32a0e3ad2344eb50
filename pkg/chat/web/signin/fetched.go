package signin

import (
	"context"
	"sync"
	"time"
)

const (
	// pause is how long after an answer, or none, an issuer is not asked the same again, whoever wants it.
	pause = 5 * time.Second
	// fresh is how long an answer is good without a look whether it still is.
	fresh = time.Hour
)

// fetched is something that an issuer says: it is asked for when it is needed, by one at a time, and kept.
type fetched[T any] struct {
	get  func(ctx context.Context) (T, error)
	tell func(error)
	now  func() time.Time
	one  chan struct{}

	mu    sync.Mutex
	last  T
	has   bool
	at    time.Time // of the last answer
	asked time.Time // the last time
	err   error     // of the last time
}

func newFetched[T any](now func() time.Time, tell func(error), get func(ctx context.Context) (T, error)) *fetched[T] {
	return &fetched[T]{get: get, tell: tell, now: now, one: make(chan struct{}, 1)}
}

// value is what was said last. What is old is asked for again meanwhile; while the issuer is away it stays.
func (f *fetched[T]) value(ctx context.Context) (T, error) {
	f.mu.Lock()
	value, has, old := f.last, f.has, f.now().Sub(f.at) > fresh
	f.mu.Unlock()
	if !has {
		return f.renewed(ctx)
	}
	if old {
		select {
		case f.one <- struct{}{}:
			go func() {
				defer func() { <-f.one }()
				_, _ = f.ask(ctx)
			}()
		default: // somebody asks
		}
	}
	return value, nil
}

// renewed asks again, unless that was done a moment ago.
func (f *fetched[T]) renewed(ctx context.Context) (T, error) {
	select {
	case f.one <- struct{}{}:
		defer func() { <-f.one }()
		return f.ask(ctx)
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// ask is called by one at a time. Others wait for the same answer, so that it does not end with the request that asks.
func (f *fetched[T]) ask(ctx context.Context) (T, error) {
	f.mu.Lock()
	value, err, asked := f.last, f.err, f.asked
	f.mu.Unlock()
	if !asked.IsZero() && f.now().Sub(asked) < pause {
		return value, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*askTime)
	defer cancel()
	got, err := f.get(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.err = f.now(), err
	f.tell(err)
	if err != nil {
		return f.last, err
	}
	f.last, f.has, f.at = got, true, f.now()
	return got, nil
}
