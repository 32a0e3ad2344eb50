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

// Nearest is the first of the known words that differ least, empty where none shares half of its letters.
func Nearest(word string, known []string) string {
	best, bestDistance := "", len(word)/2+1
	for _, candidate := range known {
		if distance := Distance(strings.ToLower(word), strings.ToLower(candidate)); distance < bestDistance {
			best, bestDistance = candidate, distance
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
