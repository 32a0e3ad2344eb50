package lint_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestFixesSayWhatToDo: that a message names something is no fix.
func TestFixesSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		for _, found := range run(t, versionsOf(t, f.data), readSet(t, f.file, f.data)) {
			assert.NotContains(t, found.Fix, "the message names", found.Code)
			assert.NotEmpty(t, found.Fix, found.Code)
		}
	}
}
