// Package otherstest holds validate to trees that others wrote: a finding on them is right, and says why, or it is a
// false alarm and a mistake of this tool.
package otherstest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/report"
	"github.com/kservegen/kservegen/pkg/validate"
)

// Compare judges directories of a tree as the command does, and compares what it finds with a list of findings that
// are right. It returns the report, for what else a test expects of it.
func Compare(t *testing.T, list, root string, directories ...string) report.Report {
	t.Helper()
	effective.DiscardLogs()
	judge, err := validate.NewJudge(validate.JudgeOptions{})
	require.NoError(t, err)
	paths := make([]string, 0, len(directories))
	for _, directory := range directories {
		paths = append(paths, filepath.Join(root, directory))
	}
	r, err := validate.Run(context.Background(), paths, validate.Options{Checks: []validate.Check{judge}, FailOn: finding.Error})
	require.NoError(t, err)
	expected, err := readList(list)
	require.NoError(t, err)
	found := map[string]bool{}
	for _, f := range r.Findings {
		key := keyOf(root, f)
		found[key] = true
		if expected[key] == "" {
			assert.Failf(t, key, "is it right? Mend the tool, or list it in %s with the reason: %s", list, f.Message)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(expected)) {
		if !found[key] {
			assert.Failf(t, key, "is not found any more; take it out of %s", list)
		}
	}
	return r
}

// keyOf is a line of a list: file, code, and object where there is one.
func keyOf(root string, f finding.Finding) string {
	file, err := filepath.Rel(root, f.File)
	if err != nil {
		file = f.File
	}
	key := filepath.ToSlash(file) + " " + f.Code
	if f.Object.Kind != "" && f.Object.Name != "" {
		key += " " + f.Object.Kind + "/" + f.Object.Name
	}
	return key
}

// readList reads findings with their reasons: groups of lines, each under a comment that says why they are right.
func readList(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the findings that are right: %w", err)
	}
	reasons := map[string]string{}
	reason := ""
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		text, comment := strings.CutPrefix(line, "#")
		switch {
		case line == "":
			reason = ""
		case comment:
			reason += text
		case reason == "":
			return nil, fmt.Errorf("%s:%d: no comment above says why the finding is right", path, i+1)
		case reasons[line] != "":
			return nil, fmt.Errorf("%s:%d: is listed twice", path, i+1)
		default:
			reasons[line] = reason
		}
	}
	return reasons, nil
}
