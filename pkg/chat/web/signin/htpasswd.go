package signin

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const (
	// minCost is OWASP's least for bcrypt (Password Storage Cheat Sheet); htpasswd's own default is 5. maxCost takes a second
	// or more of a core each time, which is somebody else's to burn.
	minCost, maxCost = 10, 14
	// hashLength and maxUserName are in bytes.
	hashLength, maxUserName = 60, 255
	// maxFile, in bytes, is more than a Secret has.
	maxFile = 1 << 20
)

// remedy makes a line that is taken.
const remedy = "make the line with: htpasswd -nB -C 12 NAME"

// user is one of a file.
type user struct {
	name string
	hash []byte
}

// users are those of a file.
type users struct {
	list []user
	at   map[string]int
}

// parseUsers reads lines NAME:HASH as Apache's htpasswd writes them, the hashes of bcrypt alone; empty lines and those that
// begin with # are passed over. Errors name the file and the line, and never what is in it behind the name.
func parseUsers(file string, data []byte) (users, error) {
	out := users{at: map[string]int{}}
	if len(data) > maxFile {
		return out, fmt.Errorf("%s is over %d MiB, which no file of users is", file, maxFile>>20)
	}
	lines := map[string]int{}
	for i, line := range bytes.Split(data, []byte("\n")) {
		text := strings.TrimSuffix(string(line), "\r")
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		u, err := parseUser(text)
		if err == nil && lines[u.name] != 0 {
			err = fmt.Errorf("user %q has a line already, %d; keep one", u.name, lines[u.name])
		}
		if err != nil {
			return users{}, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		lines[u.name] = i + 1
		out.at[u.name] = len(out.list)
		out.list = append(out.list, u)
	}
	if len(out.list) == 0 {
		return users{}, fmt.Errorf("%s has no user, so that nobody could sign in; %s", file, remedy)
	}
	return out, nil
}

func parseUser(line string) (user, error) {
	name, hash, found := strings.Cut(line, ":")
	switch {
	case !found:
		return user{}, fmt.Errorf("the line has no colon between a name and a hash; %s", remedy)
	case name == "" || len(name) > maxUserName || !printable(name):
		return user{}, fmt.Errorf("the name before the colon is empty, over %d bytes, or has signs that cannot be seen; %s", maxUserName, remedy)
	}
	if what := otherHash(hash); what != "" {
		return user{}, fmt.Errorf("user %q has %s, which is guessed fast; only bcrypt is taken: %s", name, what, remedy)
	}
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil || len(hash) != hashLength || hash[6] != '$' || strings.Trim(hash[7:], bcryptDigits) != "":
		return user{}, fmt.Errorf("the hash of user %q is none of bcrypt, or is cut off; %s", name, remedy)
	case cost < minCost || cost > maxCost:
		return user{}, fmt.Errorf("the hash of user %q has cost %d; %d to %d are taken: %s", name, cost, minCost, maxCost, remedy)
	}
	return user{name: name, hash: []byte(hash)}, nil
}

// bcryptDigits are those of bcrypt's base64.
const bcryptDigits = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// otherHash says what a hash is that is not one of bcrypt, by its beginning; crypt(5) lists them. $2x$ marks hashes of a
// bcrypt that took letters beyond ASCII wrongly.
func otherHash(hash string) string {
	for prefix, what := range map[string]string{
		"$apr1$": "an MD5 hash", "$1$": "an MD5 hash", "{SHA}": "a SHA-1 hash", "{SSHA}": "a SHA-1 hash",
		"$5$": "a SHA-256 hash", "$6$": "a SHA-512 hash", "$2x$": "a hash of a bcrypt with an error",
	} {
		if strings.HasPrefix(hash, prefix) {
			return what
		}
	}
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		if strings.HasPrefix(hash, prefix) {
			return ""
		}
	}
	return "a password in plain text or a hash of crypt's"
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
