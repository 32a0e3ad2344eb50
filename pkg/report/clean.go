package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes user content harmless on a terminal: control characters, those that change the direction of text
// (CVE-2021-42574) and those that take no room are spelled out. A tab becomes a blank.
func clean(s string) string {
	if strings.IndexFunc(s, isHarmful) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for rest := s; len(rest) > 0; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case r == '\t':
			b.WriteByte(' ')
		case r == '\n':
			b.WriteString(`\n`)
		case isHarmful(r) && r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		case isHarmful(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		rest = rest[size:]
	}
	return b.String()
}

// isHarmful covers Unicode's control and format characters and the two line separators.
func isHarmful(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// escapeJSON spells out what encoding/json leaves as it is. These characters stand in strings only.
func escapeJSON(data []byte) []byte {
	var b []byte
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r < utf8.RuneSelf && r != 0x7F, !isHarmful(r):
			b = append(b, data[i:i+size]...)
		case r > 0xFFFF:
			high, low := (r-0x10000)>>10+0xD800, (r-0x10000)&0x3FF+0xDC00
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		i += size
	}
	return b
}
