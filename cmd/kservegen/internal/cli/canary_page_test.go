package cli

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCanaryPageIsTrue runs the console blocks of docs/canary.md in order, in a repository with the document that the page
// begins with, and compares what is printed but for hashes and dates.
//
//nolint:paralleltest // it changes the working directory, as the reader of the page would
func TestCanaryPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/canary.md")
	require.NoError(t, err)
	document, err := os.ReadFile("../../testdata/documents/minimal.yaml")
	require.NoError(t, err)
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	require.NoError(t, os.WriteFile("small.yaml", document, 0o600))
	for _, line := range []string{
		"git init --quiet .", "git config user.name Platform", "git config user.email platform@example.com",
		"kservegen render -f small.yaml -o deploy", "git add small.yaml deploy", "git commit --quiet -m 'Serve small'",
	} {
		typed(t, line)
	}
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(blocks), 4)
	for _, block := range blocks {
		for _, command := range strings.Split(block[1], "$ ")[1:] {
			line, want, _ := strings.Cut(command, "\n")
			assert.Equal(t, want, typed(t, line), "$ "+line)
		}
	}
}

// typed runs one line, of kservegen or of git, and returns what it prints.
func typed(t *testing.T, line string) string {
	t.Helper()
	var words []string
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1) {
		words = append(words, strings.Trim(word, "'"))
	}
	var out, talk bytes.Buffer
	if words[0] == "git" {
		cmd := exec.CommandContext(t.Context(), "git", words[1:]...)
		cmd.Stdout, cmd.Stderr = &out, &talk
		require.NoError(t, cmd.Run(), "%s: %s", line, talk.String())
	} else {
		require.Equal(t, "kservegen", words[0], "the page shows a command that this test does not run")
		require.Equal(t, exitOK, Main(t.Context(), words[1:], Streams{In: strings.NewReader(""), Out: &out, Err: &talk}), talk.String())
	}
	text := regexp.MustCompile(`\b[0-9a-f]{7,40}\b`).ReplaceAllString(out.String()+talk.String(), "3f2a1bc")
	return regexp.MustCompile(`\d{4}-\d\d-\d\d`).ReplaceAllString(text, "2026-11-30")
}
