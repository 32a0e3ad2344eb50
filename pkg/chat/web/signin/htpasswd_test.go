package signin

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// digits are the salt and the digest of a hash, of nothing.
const digits = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

func TestUsers(t *testing.T) {
	t.Parallel()
	found, err := parseUsers("f", []byte("# of a test\r\n\nalice:$2y$10$"+digits+"\r\nbob b@x.example:$2b$12$"+digits+"\nzoë:$2a$14$"+digits))
	require.NoError(t, err)
	require.Len(t, found.list, 3)
	assert.Equal(t, map[string]int{"alice": 0, "bob b@x.example": 1, "zoë": 2}, found.at)
	assert.Equal(t, "$2y$10$"+digits, string(found.list[0].hash))
}

func TestLinesThatAreRefused(t *testing.T) {
	t.Parallel()
	const secret = "hunter2secret"
	for name, c := range map[string]struct{ line, says string }{
		"no colon":            {secret, "no colon"},
		"no name":             {":$2y$10$" + digits, "the name before the colon is empty"},
		"a long name":         {strings.Repeat("a", 256) + ":$2y$10$" + digits, "over 255 bytes"},
		"a name with escapes": {"a\x1b[2J:$2y$10$" + digits, "signs that cannot be seen"},
		"a name that turns":   {"a\u202eb:$2y$10$" + digits, "signs that cannot be seen"},
		"a byte order mark":   {"\ufeffalice:$2y$10$" + digits, "signs that cannot be seen"},
		"no UTF-8":            {"a\xff:$2y$10$" + digits, "signs that cannot be seen"},
		"plain text":          {"alice:" + secret, "a password in plain text"},
		"nothing":             {"alice:", "a password in plain text"},
		"MD5":                 {"alice:$apr1$" + secret, "an MD5 hash, which is guessed fast; only bcrypt is taken: make the line with: htpasswd -nB -C 12 NAME"},
		"MD5 of crypt":        {"alice:$1$" + secret, "an MD5 hash"},
		"SHA-1":               {"alice:{SHA}" + secret, "a SHA-1 hash"},
		"SHA-256":             {"alice:$5$" + secret, "a SHA-256 hash"},
		"SHA-512":             {"alice:$6$" + secret, "a SHA-512 hash"},
		"bcrypt's error":      {"alice:$2x$10$" + secret, "a bcrypt with an error"},
		"cost of htpasswd":    {"alice:$2y$05$" + digits, "cost 5; 10 to 14 are taken"},
		"a cost of minutes":   {"alice:$2y$20$" + digits, "cost 20; 10 to 14 are taken"},
		"no cost":             {"alice:$2y$xx$" + digits, "none of bcrypt, or is cut off"},
		"cut off":             {"alice:$2y$10$" + digits[:50], "none of bcrypt, or is cut off"},
		"a blank behind":      {"alice:$2y$10$" + digits + " ", "none of bcrypt, or is cut off"},
		"other digits":        {"alice:$2y$10$" + strings.Repeat("!", 53), "none of bcrypt, or is cut off"},
		"another end of cost": {"alice:$2y$10x" + digits, "none of bcrypt, or is cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseUsers("users", []byte("ok:$2y$10$"+digits+"\n"+c.line+"\n"))
			require.ErrorContains(t, err, c.says)
			assert.Regexp(t, "^users:2: ", err.Error())
			assert.NotContains(t, err.Error(), secret)
			assert.NotContains(t, err.Error(), digits[:20])
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for says, data := range map[string]string{
		"f has no user": "# nobody\n\n",
		"over 1 MiB":    strings.Repeat("#\n", 1<<20),
		`f:3: user "a" has a line already, 1; keep one`: "a:$2y$10$" + digits + "\n\na:$2y$12$" + digits,
	} {
		_, err := parseUsers("f", []byte(data))
		require.ErrorContains(t, err, says)
	}
}

// FuzzUsers: whatever is taken can be used: every user has a hash that bcrypt takes, of a bounded cost.
func FuzzUsers(f *testing.F) {
	f.Add([]byte("alice:$2y$10$" + digits + "\nbob:$2b$14$" + digits))
	f.Add([]byte("alice:$apr1$x\n:\n\xff:{SHA}\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := parseUsers("f", data)
		if err != nil {
			return
		}
		require.NotEmpty(t, found.list)
		require.Len(t, found.at, len(found.list))
		for i, u := range found.list {
			require.Equal(t, i, found.at[u.name])
			cost, err := bcrypt.Cost(u.hash)
			require.NoError(t, err)
			require.True(t, cost >= minCost && cost <= maxCost && printable(u.name))
		}
	})
}
