// Package suggest finds what a misspelt word was meant to be.
package suggest

import "strings"

// Word is the end of a sentence about an unknown word: the nearest known one, or all of them where none is near.
func Word(word string, known []string) string {
	if nearest := Nearest(word, known); nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	if len(known) == 0 {
		return ""
	}
	return "; known: " + strings.Join(known, ", ")
}

// Nearest is the known word that differs least, empty where none shares half of the letters. Of several one that stands whole in
// the word goes first: clientSecret is secret, and not clientId.
func Nearest(word string, known []string) string {
	lower := strings.ToLower(word)
	best, bestDistance, bestWhole := "", len(word)/2+1, true
	for _, candidate := range known {
		other := strings.ToLower(candidate)
		distance, whole := Distance(lower, other), strings.Contains(lower, other)
		if distance < bestDistance || distance == bestDistance && whole && !bestWhole {
			best, bestDistance, bestWhole = candidate, distance, whole
		}
	}
	return best
}

// Distance is Levenshtein's. Long words are not compared: the cost is their product.
func Distance(a, b string) int {
	const tooLong = 64
	if len(a) > tooLong || len(b) > tooLong {
		return tooLong
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
