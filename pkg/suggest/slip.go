package suggest

import "strings"

// shortest word whose letters say what was meant when one is wrong.
const shortest = 4

// Slip is the known word of which a word is a slip of the pen: the same but for case, dashes and underscores, or
// else the only one that is one letter away. Empty where that leaves a choice.
func Slip(word string, known []string) string {
	plain := bare(word)
	best, near := "", 0
	for _, candidate := range known {
		other := bare(candidate)
		if other == plain {
			return candidate
		}
		if Distance(plain, other) == 1 {
			best = candidate
			near++
		}
	}
	if near != 1 || len(plain) < shortest {
		return ""
	}
	return best
}

func bare(word string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(word))
}
