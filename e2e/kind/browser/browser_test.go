package browser

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestResult reads what drive.mjs answers, whose names are those of JavaScript.
func TestResult(t *testing.T) {
	t.Parallel()
	var view View
	require.NoError(t, result([]byte(`{"value":{"answers":[{"state":"cut","text":"half","retry":true}],"revisions":[{"name":"v1","answers":18,"route":90,"errors":0}],"asked":20,"user":"ada"}}`+"\n"), &view))
	assert.Equal(t, View{
		Answers: []Answer{{State: "cut", Text: "half", Retry: true}}, Revisions: []Revision{{Name: "v1", Answers: 18, Route: 90}}, Asked: 20, User: "ada",
	}, view)
	require.NoError(t, result([]byte(`{"value":null}`), nil))
	require.EqualError(t, result([]byte(`{"error":"begun: waited in vain"}`), &view), "begun: waited in vain")
	require.Error(t, result([]byte("Warning: something\n"), &view))
}
