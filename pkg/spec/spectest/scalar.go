package spectest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

var (
	plainText = regexp.MustCompile(`^[A-Za-z0-9_/][A-Za-z0-9_./@+-]*$`)
	plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./@+-]*$`)
	nulls     = regexp.MustCompile(`^([Nn]ull|NULL|~|)$`)
	booleans  = regexp.MustCompile(`^(?i:true|false)$`)
)

func (w *writer) key(key, path string) string {
	if !plainText.MatchString(key) || nulls.MatchString(key) || w.rarely(path, "quoted key", 12) {
		return doubleQuoted(key)
	}
	return key
}

// scalar writes a scalar plain where that keeps its meaning and a die says so, else in quotes.
func (w *writer) scalar(n *node, path string) string {
	if n.kind == raw {
		return n.text
	}
	plain := plainWord.MatchString(n.text) && !booleans.MatchString(n.text)
	if n.kind == text {
		plain = plainText.MatchString(n.text)
	}
	plain = plain && !nulls.MatchString(n.text)
	single := !strings.ContainsFunc(n.text, func(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) })
	switch w.pick(path, "quotes", 4) {
	case 0, 1:
		if plain {
			return n.text
		}
	case 2:
		if single {
			return "'" + strings.ReplaceAll(n.text, "'", "''") + "'"
		}
	}
	return doubleQuoted(n.text)
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
