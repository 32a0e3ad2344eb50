// Package mutationtest measures what validation is worth: it makes the mistakes that people make in the reference
// trees, one at a time and each wherever it can be made, and counts those that are found.
//
// A mutant is found when the schema, KServe's own code or a rule says something of it, at warning or above, that it
// does not say of the tree as it is. The operators were written down before the score was looked at.
package mutationtest
