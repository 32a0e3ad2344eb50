package manifest

import (
	"bytes"
	"encoding/json"
)

// IndentedJSON writes a value as JSON for people: two spaces a level, keys of maps sorted, and &, < and > as they are, since
// nobody puts it into a page.
func IndentedJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return out.Bytes(), err
}
