package rule

import "strings"

// OneEdit says whether a text becomes another by one letter more, less or other, or by two that change places.
// A digit is no misspelling: people number things.
func OneEdit(a, b string) bool {
	ours, theirs := difference(a, b)
	return a != b && (swapped(ours, theirs) || len(ours) <= 1 && len(theirs) <= 1)
}

// Slip is OneEdit without another letter in the place of one, for names that people chose: team-a and team-b are
// two teams.
func Slip(a, b string) bool {
	return len(a) >= 4 && OneEdit(a, b) && (len(a) != len(b) || swapped(difference(a, b)))
}

// difference is what two texts don't have in common between their common start and end; of texts that differ in
// digits, all.
func difference(a, b string) (ours, theirs string) {
	start, end := 0, 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		start++
	}
	for end < min(len(a), len(b))-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	ours, theirs = a[start:len(a)-end], b[start:len(b)-end]
	if strings.ContainsAny(ours+theirs, "0123456789") {
		return a, b
	}
	return ours, theirs
}

func swapped(a, b string) bool { return len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0] }
