package importer_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/spec"
)

var update = flag.Bool("update", false, "write the golden documents and reports")

// TestWhatOthersWrote holds the proposed document and its report for objects that kservegen did not render:
// testdata/<case>/input.yaml.
func TestWhatOthersWrote(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/*/input.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(inputs), 6)
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			in, err := importer.Read(t.Context(), []string{input}, nil, nil)
			require.NoError(t, err)
			proposal, err := importer.Import(in, importer.Options{})
			require.NoError(t, err)
			golden(t, filepath.Join(dir, "document.yaml"), proposal.Document)
			golden(t, filepath.Join(dir, "report.txt"), reportOf(proposal))
			assert.NotContains(t, proposal.Document+reportOf(proposal), "do-not-print-me", "a secret")
			_, err = spec.Load("document.yaml", strings.NewReader(proposal.Document))
			assert.NoError(t, err)
		})
	}
}

func reportOf(p *importer.Proposal) string {
	var report strings.Builder
	for _, l := range p.Losses {
		fmt.Fprintln(&report, l)
	}
	for _, a := range p.Added {
		fmt.Fprintln(&report, "added:", a)
	}
	for _, q := range p.Questions {
		fmt.Fprintln(&report, "to check:", q.Field, q.Text)
	}
	return report.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s; go test ./pkg/importer -update writes it", file)
}

// TestWhatCannotBeImported: testdata/bad, each with what is said in its first line.
func TestWhatCannotBeImported(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# want: ")
			require.True(t, ok)
			in, err := importer.Read(t.Context(), []string{file}, nil, nil)
			if err == nil {
				_, err = importer.Import(in, importer.Options{})
			}
			require.ErrorContains(t, err, want)
		})
	}
}
