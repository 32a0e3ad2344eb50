package manifest

import "strings"

// simpleText recognises the texts that make up nearly all of a manifest and whose form is beyond doubt: plain
// words, paths, images, flags and quantities, and short numbers and words such as true, which stand in double
// quotes. It is conservative: for neither the library decides.
func simpleText(s string, column int) (plain, quoted bool) {
	if s == "" {
		return false, true
	}
	switch c := s[0]; {
	case isLetter(c):
		if isReserved(s) {
			return false, s == "true" || s == "false"
		}
	case isDigit(c):
		if !hasUnitLetter(s) {
			return false, len(s) <= 15 && isDigits(s)
		}
	case c == '-': // a flag; a single dash may start a number
		if len(s) < 3 || s[1] != '-' || !isLetter(s[2]) {
			return false, false
		}
	case c != '/' && c != '$' && c != '_':
		return false, false
	}
	return plainBody(s, column), false
}

// plainBody checks what follows the first character: printable ASCII without `: `, ` #`, and blanks at the end
// or behind the fold column.
func plainBody(s string, column int) bool {
	spaces := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			if i+1 == len(s) || s[i+1] == '#' {
				return false
			}
			spaces = true
		case c == ':':
			if i+1 == len(s) || s[i+1] == ' ' {
				return false
			}
		case c < ' ' || c > '~':
			return false
		}
	}
	return !spaces || column+len(s) <= foldColumn
}

// isReserved says whether YAML 1.1 may read the word as a boolean or null.
func isReserved(s string) bool {
	if len(s) > 5 {
		return false
	}
	for _, word := range [...]string{"y", "n", "on", "no", "off", "yes", "null", "true", "false"} {
		if strings.EqualFold(s, word) {
			return true
		}
	}
	return false
}

// hasUnitLetter says whether s holds a letter that stands in no number and no timestamp: it is none of the
// hexadecimal digits, e, x, o, b, t and z.
func hasUnitLetter(s string) bool {
	for i := range len(s) {
		switch c := s[i] | 0x20; c {
		case 'o', 't', 'x', 'z':
		default:
			if c >= 'g' && c <= 'y' && isLetter(s[i]) {
				return true
			}
		}
	}
	return false
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
