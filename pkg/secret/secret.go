// Package secret says what is likely one: by what it is called, and by what it looks like. Nothing that is goes into a
// document, a tree or a report.
package secret

import "regexp"

// words that a secret is called by, whole ones: TOKENIZERS_PARALLELISM and MAX_TOKENS are none, nor is PWD, the working
// directory.
const words = `(?:(?:hf[-_]?)?token|secret|[a-z]*password|passwd|passphrase|authorization|(?:api|access|private)[-_]?key|credentials?)`

// scheme stands between a header's name and what is secret of it (RFC 9110, 11.4).
const scheme = `(?:(?:bearer|basic|digest|token)\s+)?`

// tokens that are known by how they begin: of Hugging Face, of OpenAI and those that follow it, GitHub, GitLab, Slack, AWS,
// and JSON Web Tokens.
const tokens = `\b(?:hf_[A-Za-z0-9-]{8,}|sk-[A-Za-z0-9_-]{16,}|gh[opsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|A[KS]IA[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)`

var (
	name = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:` + words + `|[a-z0-9]+_(?:pwd|pass))(?:[^a-z]|$)`)
	// inside is a name in a longer text, with what follows it.
	inside = regexp.MustCompile(`(?i)((?:^|[^a-z])` + words + `(?:[_-][a-z0-9]+)*["'\\\s:=,]+` + scheme + `)[^\s"'\\,:={}\[\]]+`)
	token  = regexp.MustCompile(tokens)
	// userInfo is the user and the password of a URL.
	userInfo = regexp.MustCompile(`://[^/@" ]+@`)
)

// Names says whether something that is called so has a value that is a secret.
func Names(called string) bool { return name.MatchString(called) }

// Token says whether a text holds a token of a kind that is known by its beginning.
func Token(text string) bool { return token.MatchString(text) }

// Hide puts a mark in the place of what is likely a secret in a text.
func Hide(text, mark string) string {
	text = userInfo.ReplaceAllString(text, "://"+mark+"@")
	return token.ReplaceAllString(inside.ReplaceAllString(text, "${1}"+mark), mark)
}
