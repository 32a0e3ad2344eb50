package limit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/chat/web/limit"
)

func TestEachKeyHasItsOwn(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	table := limit.New(60, 2, 10, func() time.Time { return now })
	assert.Zero(t, table.Take("a"))
	assert.Zero(t, table.Take("a"))
	assert.Equal(t, time.Second, table.Take("a"))
	assert.Equal(t, time.Second, table.Take("a"), "what was refused costs nothing")
	assert.Zero(t, table.Take("b"))
	now = now.Add(time.Second)
	assert.Zero(t, table.Take("a"))
	assert.NotZero(t, table.Take("a"))
	now = now.Add(time.Hour)
	assert.Zero(t, table.Take("a"))
	assert.Zero(t, table.Take("a"))
	assert.NotZero(t, table.Take("a"), "no more than the burst is saved")
}

// TestBounded: strangers do not fill the memory, and who asks all the time is not forgotten for them.
func TestBounded(t *testing.T) {
	t.Parallel()
	table := limit.New(1, 1, 3, func() time.Time { return time.Unix(0, 0) })
	assert.Zero(t, table.Take("a"))
	for i := range 100 {
		assert.Zero(t, table.Take(fmt.Sprint(i)))
		assert.NotZero(t, table.Take("a"))
		assert.LessOrEqual(t, table.Len(), 3)
	}
	assert.Zero(t, table.Take("0"), "it was forgotten")
}
