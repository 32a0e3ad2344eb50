package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/chat/web"
)

// named lets in whoever says a name, by a header of the tests.
type named struct{}

func (named) Way() web.Way { return web.Way{Kind: "test", Login: "/in"} }

func (named) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("X-Name")
		if name == "" {
			web.Refuse(w, http.StatusUnauthorized, "signed_out", "who are you?")
			return
		}
		next.ServeHTTP(w, web.As(r, web.Person{ID: name, Name: strings.ToUpper(name)}))
	})
}

func TestSignedIn(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, func(c *web.Config) { c.SignIn = named{}; c.Revisions = nil })
	response, _ := do(t, request(t, "GET", base+"/api/about", "", with()))
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	_, body := do(t, request(t, "GET", base+"/api/about", "", with("X-Name", "a")))
	assert.JSONEq(t, `{"name":"m","revisions":[],"signIn":{"kind":"test","id":"a","user":"A","login":"/in"}}`, body)
	for name, header := range map[string]map[string]string{
		"another site": with("X-Name", "a", "Origin", "https://evil.example"), "without our header": with("X-Name", "a", "X-Kservegen-Chat", ""),
		"a form": with("X-Name", "a", "Content-Type", "text/plain"),
	} {
		response, _ = do(t, request(t, "POST", base+"/api/chat", "{}", header))
		assert.Contains(t, []int{http.StatusForbidden, http.StatusUnsupportedMediaType}, response.StatusCode, "%s may ask who is signed in", name)
	}
	response, _ = do(t, request(t, "GET", base+"/api/about", "", with("X-Name", "a", "Host", "10.0.0.1")))
	assert.Equal(t, http.StatusMisdirectedRequest, response.StatusCode)
}

// TestLimit: each person's questions count for themselves, and nothing but questions does.
func TestLimit(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, func(c *web.Config) { c.SignIn = named{}; c.PerMinute = 1 })
	chat := func(name string) *http.Response {
		response, body := do(t, request(t, "POST", base+"/api/chat", "{}", with("X-Name", name)))
		if response.StatusCode == http.StatusTooManyRequests {
			assert.Contains(t, body, `"code":"too_many_requests"`)
			assert.Contains(t, body, "it is the page that limits, not the model")
			assert.Contains(t, body, "limits what each person asks to 1 a minute")
		}
		return response
	}
	for range 20 { // the page's own count of short answers
		require.Equal(t, http.StatusOK, chat("a").StatusCode)
	}
	refused := chat("a")
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	seconds, err := strconv.Atoi(refused.Header.Get("Retry-After"))
	require.NoError(t, err)
	assert.InDelta(t, 60, seconds, 5)
	assert.Equal(t, http.StatusOK, chat("b").StatusCode)
	for range 30 {
		response, _ := do(t, request(t, "GET", base+"/api/models", "", with("X-Name", "a")))
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
}

// TestAnswersThatRun: who asks for answers that take long has only so many of them, others go on, and one that ends makes room.
func TestAnswersThatRun(t *testing.T) {
	t.Parallel()
	const most = 20
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}, func(c *web.Config) { c.SignIn = named{}; c.PerMinute = 60 })
	begin := func(name string) (status int, body io.Reader, stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		response, err := http.DefaultTransport.RoundTrip(request(t, "POST", base+"/api/chat", "{}", with("X-Name", name)).WithContext(ctx))
		require.NoError(t, err)
		t.Cleanup(func() { cancel(); _ = response.Body.Close() })
		return response.StatusCode, response.Body, cancel
	}
	var running []func()
	for range most {
		status, _, stop := begin("a")
		require.Equal(t, http.StatusOK, status)
		running = append(running, stop)
	}
	refused := func() bool {
		status, body, _ := begin("a")
		said, err := io.ReadAll(io.LimitReader(body, 1000))
		return err == nil && status == http.StatusTooManyRequests && strings.Contains(string(said), "20 of your answers have no end yet") &&
			strings.Contains(string(said), `"code":"too_many_requests"`)
	}
	require.Eventually(t, refused, 10*time.Second, 100*time.Millisecond, "nobody may ask for more at once, so the rate says so first")
	response, _ := do(t, request(t, "GET", base+"/api/models", "", with("X-Name", "a")))
	assert.Equal(t, http.StatusTooManyRequests, response.StatusCode, "the model is asked for its names, too")
	status, _, _ := begin("b")
	assert.Equal(t, http.StatusOK, status)
	running[0]()
	require.Eventually(t, func() bool {
		status, _, _ := begin("a")
		return status == http.StatusOK
	}, 10*time.Second, 100*time.Millisecond)
}

// TestRoom: questions that are there at once take no more memory than a pod has, whoever asks them.
func TestRoom(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, nil)
	var large []net.Conn
	for range 64 { // what is announced counts
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = connection.Close() })
		_, err = io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nX-Kservegen-Chat: 1\r\nContent-Type: application/json\r\nContent-Length: 4194304\r\n\r\n{")
		require.NoError(t, err)
		large = append(large, connection)
	}
	ask := func(wanted int) func() bool {
		return func() bool {
			response, body := do(t, request(t, "POST", base+"/api/chat", "{}", with()))
			if wanted == http.StatusServiceUnavailable && response.StatusCode == wanted {
				assert.Equal(t, "10", response.Header.Get("Retry-After"))
				assert.Contains(t, body, `"code":"too_many_requests"`)
			}
			return response.StatusCode == wanted
		}
	}
	require.Eventually(t, ask(http.StatusServiceUnavailable), 10*time.Second, 10*time.Millisecond)
	require.NoError(t, large[0].Close())
	require.Eventually(t, ask(http.StatusOK), 10*time.Second, 10*time.Millisecond)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, func(c *web.Config) { c.SignIn = named{}; c.Token = token })
	for _, host := range []string{"10.1.2.3:8080", "evil.example", "localhost"} {
		response, body := do(t, request(t, "GET", base+"/healthz", "", map[string]string{"Host": host}))
		assert.Equal(t, http.StatusOK, response.StatusCode, host)
		assert.Equal(t, "ok\n", body)
	}
	for _, path := range []string{"/healthz/", "/healthz/../api/about", "//healthz"} {
		response, _ := do(t, request(t, "GET", base+path, "", map[string]string{"Host": "evil.example"}))
		assert.Equal(t, http.StatusMisdirectedRequest, response.StatusCode, path)
	}
	response, _ := do(t, request(t, "POST", base+"/healthz", "", nil))
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
}

// changing are revisions of the moment, and the model whose route is not read.
type changing struct {
	of     *[]web.Revision
	unread *string
}

func (c changing) Revisions() []web.Revision { return *c.of }

func (c changing) Unread() string { return *c.unread }

// TestLive: weights, testers' headers and the only revision are those of the moment.
func TestLive(t *testing.T) {
	t.Parallel()
	now, unread := []web.Revision{{Name: "v1", Weight: 100}}, ""
	got := make(chan string, 10)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { got <- r.Header.Get("X-Track") }, func(c *web.Config) {
		c.Revisions, c.Live = []web.Revision{{Name: "old", Header: "X-Track", Value: "old"}}, changing{&now, &unread}
	})
	chat := func(revision string) *http.Response {
		response, _ := do(t, request(t, "POST", base+"/api/chat?revision="+revision, "{}", with()))
		return response
	}
	assert.Equal(t, "v1", chat("").Header.Get("X-Llm-Revision"))
	assert.Empty(t, <-got)
	assert.Equal(t, http.StatusBadRequest, chat("v2").StatusCode)
	assert.Equal(t, http.StatusBadRequest, chat("old").StatusCode)
	now = []web.Revision{{Name: "v1", Weight: 90}, {Name: "v2", Weight: 10, Header: "X-Track", Value: "v2"}}
	assert.Equal(t, http.StatusOK, chat("v2").StatusCode)
	assert.Equal(t, "v2", <-got)
	_, body := do(t, request(t, "GET", base+"/api/about", "", with()))
	assert.JSONEq(t, `{"name":"m","revisions":[{"name":"v1","weight":90,"chosen":false},{"name":"v2","weight":10,"chosen":true}]}`, body)
	now, unread = nil, "deepseek-r1"
	_, body = do(t, request(t, "GET", base+"/api/about", "", with()))
	assert.JSONEq(t, `{"name":"m","revisions":[],"unread":"deepseek-r1"}`, body)
}

func TestListenWithSignIn(t *testing.T) {
	t.Parallel()
	l, err := web.Listen(t.Context(), "0.0.0.0:0", web.Config{SignIn: named{}})
	require.NoError(t, err)
	assert.NotContains(t, web.Link(l, ""), "#")
	require.NoError(t, l.Close())
}
