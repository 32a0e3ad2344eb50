package cli

import (
	"encoding/json"
	"io"
)

// writeJSON prints a report for programs, which a person can read, too.
func writeJSON(out io.Writer, report any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(report)
}
