package manifest

import (
	"unicode"
	"unicode/utf8"
)

// compareKeys orders keys as the YAML library does: letters by code point, anything else before letters, and
// runs of digits by their number, so that v2 stands before v10.
//
// This is no order in the strict sense: 11q < 1t < 3c < 11q. The library sorts such keys differently from run to
// run; here they are sorted by bytes first, so that at least our result is always the same.
func compareKeys(a, b string) int {
	if lessKey(a, b) {
		return -1
	}
	return 1 // keys of one mapping are never equal
}

func lessKey(a, b string) bool {
	i := commonPrefix(a, b)
	if i == len(a) || i == len(b) {
		return len(a) < len(b)
	}
	ra, _ := utf8.DecodeRuneInString(a[i:])
	rb, _ := utf8.DecodeRuneInString(b[i:])
	la, lb := unicode.IsLetter(ra), unicode.IsLetter(rb)
	switch {
	case la && lb:
		return ra < rb
	case la || lb:
		return lb
	}
	// A zero counts as a digit of the number that the common prefix started, unless that is zeros only.
	var start int64
	if (ra == '0' || rb == '0') && endsInNumber(a[:i]) {
		start = 1
	}
	na, lengthA := number(start, a[i:])
	nb, lengthB := number(start, b[i:])
	switch {
	case na != nb:
		return na < nb
	case lengthA != lengthB:
		return lengthA < lengthB
	}
	return ra < rb
}

// commonPrefix returns the length in bytes of the whole characters that a and b start with alike.
func commonPrefix(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && (i < len(a) && !utf8.RuneStart(a[i]) || i < len(b) && !utf8.RuneStart(b[i])) {
		i--
	}
	return i
}

// endsInNumber says whether text ends in digits other than zeros.
func endsInNumber(text string) bool {
	for len(text) > 0 {
		r, size := utf8.DecodeLastRuneInString(text)
		if !unicode.IsDigit(r) {
			return false
		}
		if r != '0' {
			return true
		}
		text = text[:len(text)-size]
	}
	return false
}

// number reads the digits that text starts with behind start. Digits of other scripts and overflow give the
// same odd numbers as in the library: only the order matters.
func number(start int64, text string) (value int64, length int) {
	value = start
	for _, r := range text {
		if !unicode.IsDigit(r) {
			break
		}
		value = value*10 + int64(r-'0')
		length++
	}
	return value, length
}
