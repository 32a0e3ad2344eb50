// Package rule is what rules are made of: their description, the set of objects that they judge, and access to
// values of any shape that remembers where each value stands.
package rule
