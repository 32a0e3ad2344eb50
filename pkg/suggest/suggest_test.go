package suggest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kservegen/kservegen/pkg/suggest"
)

func TestWord(t *testing.T) {
	t.Parallel()
	known := []string{"containers", "volumes"}
	for word, want := range map[string]string{
		"container":                     "; did you mean containers?",
		"VOLUMES":                       "; did you mean volumes?",
		"xyz":                           "; known: containers, volumes",
		"":                              "; known: containers, volumes",
		strings.Repeat("containers", 9): "; known: containers, volumes",
	} {
		assert.Equal(t, want, suggest.Word(word, known), word)
	}
	assert.Empty(t, suggest.Word("any", nil))
	assert.Equal(t, "; did you mean secret?", suggest.Word("clientSecret", []string{"clientId", "issuer", "secret"}), "as near as clientId, and whole")
	assert.Equal(t, "; known: secret, token", suggest.Word("theClientsSecret", []string{"secret", "token"}), "near enough is asked of it all the same")
}

func TestDistance(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0, suggest.Distance("", ""))
	assert.Equal(t, 3, suggest.Distance("abc", ""))
	assert.Equal(t, 3, suggest.Distance("kitten", "sitting"))
	assert.Equal(t, suggest.Distance("flaw", "lawn"), suggest.Distance("lawn", "flaw"))
}

func TestSlip(t *testing.T) {
	t.Parallel()
	known := []string{"storageUri", "storageUris", "host", "hosts", "tls", "gateway"}
	for word, want := range map[string]string{
		"storageURI":  "storageUri",
		"storage-uri": "storageUri",
		"storageUr":   "storageUri",
		"storageUrix": "", // one letter from storageUri and from storageUris
		"gateways":    "gateway",
		"gatway":      "gateway",
		"gtaway":      "", // two letters away
		"tl":          "", // too short to tell
		"TLS":         "tls",
		"":            "",
	} {
		assert.Equal(t, want, suggest.Slip(word, known), word)
	}
}
