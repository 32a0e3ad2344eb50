package limit

import "sync"

// Open counts what each of many has at the same time. It may be used by several at a time.
type Open struct {
	most int64

	mu  sync.Mutex
	has map[string]int64
}

// NewOpen allows each key to have so much at a time.
func NewOpen(most int64) *Open { return &Open{most: most, has: map[string]int64{}} }

// Enter adds n to what a key has, unless that is more than it may have. What has entered leaves.
func (o *Open) Enter(key string, n int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.has[key]+n > o.most {
		return false
	}
	o.has[key] += n
	return true
}

// Leave takes n away again. A key that has nothing is forgotten.
func (o *Open) Leave(key string, n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.has[key] -= n; o.has[key] <= 0 {
		delete(o.has, key)
	}
}

// Len is how many keys have something.
func (o *Open) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.has)
}
