package rule

import (
	"math"
	"strconv"
	"strings"
)

// ParseQuantity reads a quantity of Kubernetes as a number. It is only as exact as comparing sizes needs, and
// bounded in time whatever the text, which resource.ParseQuantity is not.
func ParseQuantity(text string) (float64, bool) {
	if len(text) > 32 {
		return 0, false
	}
	digits := strings.TrimRightFunc(text, func(c rune) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' })
	factor, ok := suffix(text[len(digits):])
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return 0, false
	}
	return n * factor, true
}

func suffix(s string) (float64, bool) {
	switch s {
	case "":
		return 1, true
	case "m":
		return 1e-3, true
	case "u":
		return 1e-6, true
	case "n":
		return 1e-9, true
	}
	if base, binary := strings.CutSuffix(s, "i"); binary {
		if power := strings.Index("KMGTPE", base) + 1; power > 0 && len(base) == 1 {
			return math.Pow(1024, float64(power)), true
		}
		return 0, false
	}
	if power := strings.Index("kMGTPE", s) + 1; power > 0 && len(s) == 1 {
		return math.Pow(1000, float64(power)), true
	}
	return 0, false
}
