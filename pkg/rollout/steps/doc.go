// Package steps makes the steps of a canary as edits of a document: a revision beside the one that serves, weights, and the
// end of the one that served. Each step is checked before and after; what it leaves alone stays byte for byte.
//
// A canary is between two revisions of an environment: from, which gives its share away, and to, which takes it over. What
// others have does not change. So aborting one gives back exactly what was taken.
package steps
