package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes text of a stranger safe to print on a terminal: what would move the cursor, colour, set the title, answer for
// the user or turn the direction of writing becomes visible signs. Line ends and tabs stay.
func Plain(text string) string {
	if strings.IndexFunc(text, acts) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text { // a byte that is no UTF-8 comes as U+FFFD
		switch {
		case !acts(r):
			b.WriteRune(r)
		case r < 0x20:
			b.WriteRune(0x2400 + r) // the pictures of the control characters
		case r == 0x7f:
			b.WriteRune(0x2421)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

// JSON writes a value so that no text in it acts on a terminal, and reads back as it was: what would act is an escape of JSON.
// encoding/json does so for the control characters of ASCII alone.
func JSON(value any) ([]byte, error) {
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, r := range raw.String() {
		if acts(r) { // it can stand in a string only
			fmt.Fprintf(&out, "\\u%04x", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.Bytes(), nil
}

// acts reports a character that does something instead of showing something: control characters, line and paragraph
// separators, and those of the Bidi_Control property, by which text can be made to read as other text.
func acts(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case 0x2028, 0x2029:
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}
