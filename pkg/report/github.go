package report

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
)

// GitHub writes workflow commands, which become annotations of a pull request.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
type GitHub struct{}

var _ Writer = GitHub{}

// Write implements Writer.
func (GitHub) Write(w io.Writer, r Report) error {
	var b bytes.Buffer
	for _, f := range r.Findings {
		command := map[finding.Level]string{finding.Error: "error", finding.Warning: "warning"}[f.Level]
		if command == "" {
			command = "notice"
		}
		properties := []string{}
		if file := fileOf(f); file != "" {
			properties = append(properties, "file="+property(filepath.ToSlash(file)))
		}
		if f.Line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", f.Line))
		}
		if f.Line > 0 && f.Column > 0 {
			properties = append(properties, fmt.Sprintf("col=%d", f.Column))
		}
		properties = append(properties, "title="+property(titleOf(f)))
		fmt.Fprintf(&b, "::%s %s::%s\n", command, strings.Join(properties, ","), data(textOf(f)))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func titleOf(f finding.Finding) string {
	if f.Object == (finding.Object{}) {
		return f.Code
	}
	return f.Code + " " + f.Object.String()
}

// textOf is the message and the fix.
func textOf(f finding.Finding) string {
	if f.Fix == "" {
		return f.Message
	}
	return f.Message + "\n" + f.Fix
}

// data escapes a message as the runner's toolkit does (actions/toolkit, packages/core/src/command.ts).
func data(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(clean(strings.TrimSuffix(line, "\r")), "%", "%25")
	}
	return strings.Join(lines, "%0A")
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(strings.ReplaceAll(clean(s), "%", "%25"))
}
