package lint_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func codesOf(findings []finding.Finding) []string {
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return codes
}

func TestIncompleteSets(t *testing.T) {
	t.Parallel()
	whole := map[string]bool{}
	for _, r := range lint.All() {
		whole[r.Code] = r.Whole
	}
	for _, f := range fixtures(t) {
		if f.good || !whole[f.code] {
			continue
		}
		set := readSet(t, f.file, f.data)
		set.Incomplete = true
		assert.NotContains(t, codesOf(run(t, versionsOf(t, f.data), set)), f.code, "it follows from what is missing")
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := lint.Run(ctx, []lint.Set{{}}, lint.Options{})
	assert.ErrorIs(t, err, context.Canceled)
}

// TestMessages changes fixtures to what made for odd words.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, was, is, want string }{
		{"testdata/KG0702/bad-four-of-two.yaml", `nvidia.com/gpu: "2"`, `nvidia.com/gpu: "1"`, "vLLM runs 4 ranks, and the pod has 1 device"},
		{"testdata/KG0607/bad-elsewhere.yaml", "    ports:", "    volumeMounts: [{name: shm, mountPath: /dev/shm}]\n    ports:", "the model is at /mnt/models, and the server loads /models"},
		{"testdata/KG1002/bad-account-and-claim.yaml", "namespace: ml", "namespace: ''", "in the client's namespace"},
	} {
		data, err := os.ReadFile(c.file)
		require.NoError(t, err)
		text := strings.ReplaceAll(string(data), c.was, c.is)
		require.NotEqual(t, string(data), text, c.file)
		var messages []string
		for _, f := range run(t, nil, readSet(t, c.file, []byte(text))) {
			messages = append(messages, f.Message)
		}
		assert.Contains(t, strings.Join(messages, "\n"), c.want)
	}
}

func TestDormant(t *testing.T) {
	t.Parallel()
	assert.Contains(t, lint.Dormant(nil), "KG0410", "it is about Istio before 1.27")
	assert.NotContains(t, lint.Dormant(lint.Versions{rule.Istio: {Major: 1, Minor: 20}}), "KG0410")
}
