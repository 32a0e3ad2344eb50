package limit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/chat/web/limit"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	open := limit.NewOpen(10)
	assert.False(t, open.Enter("a", 11))
	assert.Zero(t, open.Len(), "a refused key is remembered")
	assert.True(t, open.Enter("a", 7))
	assert.True(t, open.Enter("a", 3))
	assert.False(t, open.Enter("a", 1))
	assert.True(t, open.Enter("b", 10))
	open.Leave("a", 7)
	assert.False(t, open.Enter("a", 8))
	assert.True(t, open.Enter("a", 7))
	open.Leave("a", 3)
	open.Leave("a", 7)
	open.Leave("b", 10)
	assert.Zero(t, open.Len())
}
