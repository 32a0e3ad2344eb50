package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/kservegen/kservegen/pkg/chat/web"
)

// lines is what was logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) log(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// clock is a time of day that tests move.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(1_800_000_000, c.at.Load()) }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }
func usersFile(t *testing.T, s string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "htpasswd")
	require.NoError(t, os.WriteFile(file, []byte(s), 0o600))
	return file
}

// hashOf has a password in it, for what compare of the tests does.
func hashOf(name, password string) string {
	return name + ":$2y$10$" + (strings.Repeat(".", 53-len(password)) + password) + "\n"
}

// basic is one whose hashes cost nothing, and are counted.
func basic(t *testing.T, file string) (b *Basic, hashed *atomic.Int64, said *lines, c *clock) {
	t.Helper()
	said, c, hashed = &lines{}, &clock{}, &atomic.Int64{}
	b, err := NewBasic(file, said.log)
	require.NoError(t, err)
	b.now = c.now
	b.check = func(hash, password []byte) error {
		hashed.Add(1)
		if subtle.ConstantTimeCompare([]byte(strings.TrimLeft(string(hash[7:]), ".")), password) != 1 {
			return errors.New("no")
		}
		return nil
	}
	return b, hashed, said, c
}

// page serves a page before a model that says yes.
func page(t *testing.T, s web.SignIn) string {
	t.Helper()
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(model.Close)
	upstream, err := url.Parse(model.URL + "/v1")
	require.NoError(t, err)
	handler, err := web.New(web.Config{Upstream: upstream, Name: "m", SignIn: s, Hosts: []string{"chat.example.com"}})
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func ask(t *testing.T, method, address string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader("{}"))
	require.NoError(t, err)
	r.Header = http.Header{"X-Kservegen-Chat": {"1"}, "Content-Type": {"application/json"}}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	r.Host = header.Get("Host")
	response, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

func as(name, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}}
}

func TestBasic(t *testing.T) {
	t.Parallel()
	b, hashed, said, _ := basic(t, usersFile(t, hashOf("alice", "right")+hashOf("zoë", "word")))
	base := page(t, b)
	for _, path := range []string{"/", "/main.mjs", "/none", "/api/about", "/api/none"} {
		for name, header := range map[string]http.Header{
			"nobody": nil, "a token": {"Authorization": {"Bearer right"}}, "no base64": {"Authorization": {"Basic !"}},
			"a header that others set": {"X-Forwarded-User": {"alice"}, "Remote-User": {"alice"}},
		} {
			response, body := ask(t, "GET", base+path, header)
			assert.Equal(t, http.StatusUnauthorized, response.StatusCode, name+path)
			assert.Equal(t, `Basic realm="kservegen chat", charset="UTF-8"`, response.Header.Get("Www-Authenticate"))
			assert.Contains(t, body, `"code":"signed_out"`)
		}
	}
	assert.Zero(t, hashed.Load())
	response, _ := ask(t, "GET", base+"/healthz", http.Header{"Host": {"10.0.0.7:8080"}})
	assert.Equal(t, http.StatusOK, response.StatusCode)

	for _, path := range []string{"/", "/main.mjs", "/api/about"} {
		response, _ = ask(t, "GET", base+path, as("alice", "right"))
		assert.Equal(t, http.StatusOK, response.StatusCode, path)
	}
	assert.EqualValues(t, 1, hashed.Load(), "it is remembered")
	_, body := ask(t, "GET", base+"/api/about", as("zoë", "word"))
	assert.JSONEq(t, `{"name":"m","revisions":[],"signIn":{"kind":"basic","id":"zoë","user":"zoë"}}`, body)

	evil := as("alice", "right")
	evil["Origin"] = []string{"https://evil.example"}
	response, _ = ask(t, "POST", base+"/api/chat", evil)
	assert.Equal(t, http.StatusForbidden, response.StatusCode, "browsers send the password for other sites as well")
	assert.Empty(t, said.String())
}

func TestRealHashes(t *testing.T) {
	t.Parallel()
	hash, err := bcrypt.GenerateFromPassword([]byte("right"), minCost)
	require.NoError(t, err)
	b, err := NewBasic(usersFile(t, "alice:"+string(hash)), nil)
	require.NoError(t, err)
	for password, want := range map[string]bool{"right": true, "Right": false, "": false, "right\x00": false} {
		wait, err := b.verify(t.Context(), "alice", password, "a")
		assert.Equal(t, want, err == nil, password)
		assert.Zero(t, wait)
	}
}

// TestStrangersTakeAsLong: an unknown name is hashed as a known one is.
func TestStrangersTakeAsLong(t *testing.T) {
	t.Parallel()
	b, hashed, _, _ := basic(t, usersFile(t, hashOf("alice", "right")+hashOf("bob", "right")))
	for i, name := range []string{"alice", "mallory", "", "bob2"} {
		_, err := b.verify(t.Context(), name, "wrong", "a")
		require.Error(t, err)
		assert.EqualValues(t, i+1, hashed.Load())
	}
	_, err := b.verify(t.Context(), "mallory", "right", "a")
	require.Error(t, err, "the hash of somebody else lets nobody in")
}

// TestLongPasswords: bcrypt would take any end behind 72 bytes.
func TestLongPasswords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxPassword)
	hash, err := bcrypt.GenerateFromPassword([]byte(long), minCost)
	require.NoError(t, err)
	require.NoError(t, bcrypt.CompareHashAndPassword(hash, []byte(long+"y")), "which is why")
	b, err := NewBasic(usersFile(t, "alice:"+string(hash)), nil)
	require.NoError(t, err)
	_, err = b.verify(t.Context(), "alice", long, "a")
	require.NoError(t, err)
	_, err = b.verify(t.Context(), "alice", long+"y", "a")
	require.ErrorContains(t, err, "over 72")
	assert.Len(t, b.right, 1)
}

func TestTries(t *testing.T) {
	t.Parallel()
	b, hashed, said, c := basic(t, usersFile(t, hashOf("alice", "right")+hashOf("bob", "right")))
	base := page(t, b)
	response, _ := ask(t, "GET", base, as("alice", "right"))
	require.Equal(t, http.StatusOK, response.StatusCode)
	for range triesAtOnce - 1 {
		response, _ = ask(t, "GET", base, as("alice", "guess"))
		assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	}
	before := hashed.Load()
	response, body := ask(t, "GET", base, as("alice", "guess"))
	assert.Equal(t, http.StatusTooManyRequests, response.StatusCode)
	assert.Equal(t, "10", response.Header.Get("Retry-After"))
	assert.Contains(t, body, "too many tries")
	assert.Equal(t, before, hashed.Load(), "it costs nothing more")
	response, _ = ask(t, "GET", base, as("alice", "right"))
	assert.Equal(t, http.StatusOK, response.StatusCode, "who is in stays in")
	response, _ = ask(t, "GET", base, as("bob", "right"))
	assert.Equal(t, http.StatusOK, response.StatusCode, "others are not locked out")
	c.pass(10 * time.Second)
	response, _ = ask(t, "GET", base, as("alice", "guess"))
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.NotContains(t, said.String(), "guess")
	assert.Contains(t, said.String(), `sign-in of "alice" from 127.0.0.1 failed: the password is wrong`)
}

// TestFlood: with a new name each time nobody makes the page hash more than so many.
func TestFlood(t *testing.T) {
	t.Parallel()
	b, hashed, said, c := basic(t, usersFile(t, hashOf("alice", "right")))
	for range 1000 {
		_, _ = b.verify(t.Context(), anyone(t), "guess", "a")
	}
	assert.EqualValues(t, allAtOnce, hashed.Load())
	c.pass(time.Minute)
	for range 1000 {
		_, _ = b.verify(t.Context(), anyone(t), "guess", "a")
	}
	assert.EqualValues(t, 2*allAtOnce, hashed.Load())
	assert.LessOrEqual(t, b.tries.Len(), maxTries)
	base := page(t, b)
	for range 200 {
		ask(t, "GET", base, as(anyone(t), "guess"))
	}
	assert.LessOrEqual(t, strings.Count(said.String(), "\n"), linesAtOnce, "nor fill the logs")
}

func anyone(t *testing.T) string {
	t.Helper()
	return begin().state
}

// TestTogether: a page's first requests come at once, and one of them is hashed.
func TestTogether(t *testing.T) {
	t.Parallel()
	b, hashed, _, _ := basic(t, usersFile(t, hashOf("alice", "right")))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if wait, err := b.verify(t.Context(), "alice", "right", "a"); err != nil || wait != 0 {
				t.Error(wait, err)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, hashed.Load())
}

func TestRememberedForAWhile(t *testing.T) {
	t.Parallel()
	b, hashed, _, c := basic(t, usersFile(t, hashOf("alice", "right")))
	in := func(want int64) {
		_, err := b.verify(t.Context(), "alice", "right", "a")
		require.NoError(t, err)
		assert.Equal(t, want, hashed.Load())
	}
	in(1)
	c.pass(remembered - time.Second)
	in(1)
	c.pass(remembered - time.Second)
	in(1)
	c.pass(remembered)
	in(2)
	_, err := b.verify(t.Context(), "alic", "eright", "a")
	require.Error(t, err, "a name and a password are told apart")
}

func TestReload(t *testing.T) {
	t.Parallel()
	file := usersFile(t, hashOf("alice", "right")+hashOf("bob", "right"))
	b, _, said, c := basic(t, file)
	in := func(name, password string) bool {
		c.pass(2 * time.Second) // of all tries one is allowed in each
		wait, err := b.verify(t.Context(), name, password, anyone(t))
		assert.Zero(t, wait)
		return err == nil
	}
	require.True(t, in("alice", "right"))
	require.NoError(t, os.WriteFile(file, []byte(hashOf("alice", "new")), 0o600))
	require.NoError(t, b.read())
	assert.False(t, in("alice", "right"), "what was remembered is forgotten")
	assert.True(t, in("alice", "new"))
	assert.False(t, in("bob", "right"))

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	require.NoError(t, os.WriteFile(file, []byte("alice:plain"), 0o600))
	go func() {
		b.Watch(ctx, time.Millisecond)
		close(ended)
	}()
	require.Eventually(t, func() bool { return said.String() != "" }, 10*time.Second, time.Millisecond)
	time.Sleep(20 * time.Millisecond)
	assert.Equal(t, "the users stay as they were: "+file+`:1: user "alice" has a password in plain text or a hash of crypt's, which is guessed fast; only bcrypt is taken: `+remedy, said.String())
	assert.True(t, in("alice", "new"), "the file before is in use")
	require.NoError(t, os.WriteFile(file, []byte(hashOf("carol", "right")), 0o600))
	require.Eventually(t, func() bool { return in("carol", "right") }, 10*time.Second, 50*time.Millisecond)
	assert.False(t, in("alice", "new"))
	cancel()
	<-ended
}

// TestLogInjection: a name is quoted, and cut.
func TestLogInjection(t *testing.T) {
	t.Parallel()
	b, _, said, _ := basic(t, usersFile(t, hashOf("alice", "right")))
	base := page(t, b)
	ask(t, "GET", base, as("x\nkservegen, all is well\x1b[2J\u202e"+strings.Repeat("y", 100), "guess"))
	assert.NotContains(t, said.String(), "\n")
	assert.NotContains(t, said.String(), "\x1b")
	assert.NotContains(t, said.String(), "\u202e")
	assert.Contains(t, said.String(), `"x\nkservegen, all is well\x1b[2J\u202eyyy`)
	assert.NotContains(t, said.String(), strings.Repeat("y", 60))
}

func TestFilesOfNobody(t *testing.T) {
	t.Parallel()
	_, err := NewBasic(filepath.Join(t.TempDir(), "none"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = NewBasic(usersFile(t, ""), nil)
	require.ErrorContains(t, err, "has no user")
}
