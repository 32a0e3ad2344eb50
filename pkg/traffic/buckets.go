package traffic

import (
	"fmt"
	"strings"
)

// buckets is the number of sticky buckets, 0 to 99: one per percent.
const buckets = 100

// noBucket is an expression that matches no text at all, so that a revision of weight 0 gets nobody.
const noBucket = "[^\\s\\S]"

// Buckets returns an RE2 expression for the whole numbers from low up to, not including, high, within 0 to
// 100. One-digit numbers may have a leading zero. Envoy matches the whole header value.
func Buckets(low, high int) string {
	if low >= high {
		return noBucket
	}
	var parts []string
	for tens := low / 10; tens*10 < high; tens++ {
		from, to := max(low-tens*10, 0), min(high-tens*10, 10)-1
		parts = append(parts, tensDigit(tens)+digits(from, to))
	}
	return strings.Join(mergeTens(parts, low, high), "|")
}

func tensDigit(tens int) string {
	if tens == 0 {
		return "0?"
	}
	return fmt.Sprint(tens)
}

func digits(from, to int) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("[%d-%d]", from, to)
}

// mergeTens joins neighbouring full tens: 1[0-9]|2[0-9] becomes [1-2][0-9].
func mergeTens(parts []string, low, high int) []string {
	first := (low + 9) / 10 // first full ten
	last := high/10 - 1     // last full ten
	first = max(first, 1)
	if last <= first {
		return parts
	}
	offset := low / 10
	merged := append([]string{}, parts[:first-offset]...)
	merged = append(merged, fmt.Sprintf("[%d-%d][0-9]", first, last))
	return append(merged, parts[last-offset+1:]...)
}
