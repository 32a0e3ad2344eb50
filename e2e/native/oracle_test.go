package native

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/envtest/mutate"
)

// answer is what e2e/tools/native says of one object.
type answer struct {
	Known  bool `json:"known"`
	Causes []struct {
		Field   string `json:"field"`
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"causes"`
}

func (a answer) accepted() bool { return len(a.Causes) == 0 }

// buildOracle compiles the API server's code with the flags of e2e/tools, so that what was compiled for kube-apiserver
// is not compiled again. Without that it is minutes of CPU, once: Go's cache keeps it.
func buildOracle(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "oracle")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", path, ".")
	build.Dir = filepath.Join("..", "tools", "native")
	out, err := build.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	return path
}

// ask has the oracle judge every mutant.
func ask(t *testing.T, oracle string, mutants []mutate.Mutant) []answer {
	t.Helper()
	var in, out bytes.Buffer
	for _, mutant := range mutants {
		line, err := json.Marshal(mutant.Object)
		require.NoError(t, err)
		in.Write(append(line, '\n'))
	}
	run := exec.CommandContext(t.Context(), oracle)
	run.Stdin, run.Stdout = &in, &out
	require.NoError(t, run.Run())
	answers := make([]answer, 0, len(mutants))
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var a answer
		require.NoError(t, decoder.Decode(&a))
		answers = append(answers, a)
	}
	require.Len(t, answers, len(mutants), "the oracle answers every object")
	return answers
}
