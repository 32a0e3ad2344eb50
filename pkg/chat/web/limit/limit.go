// Package limit counts what each of many does, and remembers a bounded number of them.
package limit

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Table has an allowance for each key. It may be used by several at a time.
type Table struct {
	rate  rate.Limit
	burst int
	size  int
	now   func() time.Time

	mu    sync.Mutex
	known map[string]*list.Element
	// used has the key that was asked for last in front.
	used *list.List
}

// allowance is what a key may still do.
type allowance struct {
	key     string
	limiter *rate.Limiter
}

// New allows each key perMinute times a minute, burst of them at once. Of size keys it remembers what they did; for one more
// it forgets the one that has done nothing for longest, so that no stranger fills the memory. now is the clock.
func New(perMinute float64, burst, size int, now func() time.Time) *Table {
	return &Table{
		rate: rate.Limit(perMinute / time.Minute.Seconds()), burst: burst, size: size, now: now,
		known: map[string]*list.Element{}, used: list.New(),
	}
}

// Take takes one from a key's allowance: 0 where there was one, or else how long it takes until there is.
func (t *Table) Take(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	reservation := t.of(key).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// Len is how many keys are remembered.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used.Len()
}

func (t *Table) of(key string) *rate.Limiter {
	if element, known := t.known[key]; known {
		t.used.MoveToFront(element)
		return element.Value.(*allowance).limiter
	}
	if t.used.Len() >= t.size {
		last := t.used.Back()
		delete(t.known, t.used.Remove(last).(*allowance).key)
	}
	limiter := rate.NewLimiter(t.rate, t.burst)
	t.known[key] = t.used.PushFront(&allowance{key: key, limiter: limiter})
	return limiter
}
