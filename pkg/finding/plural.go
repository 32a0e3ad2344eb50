package finding

import "fmt"

// Plural counts in words: 1 error, 2 errors.
func Plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
