package cases

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestMistakes: each has checks to notice it, and what the suite is for has mistakes.
func TestMistakes(t *testing.T) {
	t.Parallel()
	noticed := map[string]bool{}
	for _, m := range slices.Concat(Mistakes(), ScalingMistakes(), ChatMistakes()) {
		assert.NotEmpty(t, m.Noticed, m.Name)
		for _, name := range m.Noticed {
			_, found := Find(name)
			assert.True(t, found, "%s: there is no check %s", m.Name, name)
			noticed[name] = true
		}
	}
	for _, name := range []string{"canary/weights", "faults/ejection", "scaling/follows", "mtls/plaintext", "authorization/others", "network/stranger", "chat/shares", "chat/account", "chat/gateway"} {
		assert.True(t, noticed[name], name)
	}
}
