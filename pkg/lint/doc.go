// Package lint judges sets of objects by rules: what the API server accepts and what goes wrong afterwards, or
// what a webhook refuses later and in few words.
//
// A code is KG, two digits of a topic (rule.Topics) and two of the rule; it never changes and is never used
// again. To add a rule: a file in the package of its topic, an entry in that package's Rules, a bad and a good
// fixture in testdata/CODE, and `go test ./pkg/lint -update` for its page.
package lint
